from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.schedules import cosine_learning_rate


def test_the_learning_rate_warms_up_and_fades():
    assert cosine_learning_rate(2.0, 0, 0) == pytest.approx(0.02)
    assert cosine_learning_rate(2.0, 49, 0) == pytest.approx(1)
    assert cosine_learning_rate(2.0, 99, 0) == pytest.approx(2)
    assert cosine_learning_rate(2.0, 500, 0.5) == pytest.approx(1)
    assert cosine_learning_rate(2.0, 500, 1) == pytest.approx(0, abs=1e-12)
    assert cosine_learning_rate(2.0, 500, 1.2) == pytest.approx(0, abs=1e-12)
    rates = [cosine_learning_rate(2.0, 500, p) for p in np.linspace(0, 1, 20)]
    assert rates == sorted(rates, reverse=True)
