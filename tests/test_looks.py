"""The images of ``benchmarks/looks.py`` are what its tables say."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np

_SCRIPT = Path(__file__).parents[1] / "benchmarks" / "look_kinds.py"


def test_forty_images_of_forty_kinds_the_same_each_time() -> None:
    iter_looks = runpy.run_path(str(_SCRIPT))["iter_looks"]
    looks = list(iter_looks())
    assert len({look.name for look in looks}) == 40
    for look, again in zip(looks, iter_looks(), strict=True):
        np.testing.assert_array_equal(look.image, again.image, err_msg=look.name)
        if look.truth is not None and look.truth.any():
            assert look.truth.shape == look.image.shape[:2], look.name
