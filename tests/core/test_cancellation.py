from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_unet_nuclei.core.cancellation import (
    Cancelled,
    can_be_cancelled,
    cancellable,
    carrying_cancellation,
    check_cancelled,
    is_cancelled,
)
from napari_unet_nuclei.core.concurrency import overlap
from napari_unet_nuclei.core.instances.maps import Maps, SplittingParameters
from napari_unet_nuclei.core.instances.splitting import split_instances


class Patience:
    """Is asked a number of times before it says that the work is cancelled."""

    def __init__(self, n_questions: float) -> None:
        self.n_left = n_questions
        self.n_asked = 0

    def __call__(self) -> bool:
        self.n_left -= 1
        self.n_asked += 1
        return self.n_left < 0


def test_nothing_is_cancelled_unless_somebody_may() -> None:
    assert not can_be_cancelled()
    assert not is_cancelled()
    check_cancelled()


def test_what_is_called_inside_is_cancelled_and_nothing_after() -> None:
    with cancellable(Patience(1)):
        assert can_be_cancelled()
        check_cancelled()
        assert is_cancelled()
        with pytest.raises(Cancelled):
            check_cancelled()
    check_cancelled()


def test_no_error_handler_stops_it() -> None:
    assert not issubclass(Cancelled, Exception)


def test_another_thread_is_cancelled_only_where_that_is_carried_over() -> None:
    with ThreadPoolExecutor(1) as executor, cancellable(lambda: True):
        assert not executor.submit(is_cancelled).result()
        with pytest.raises(Cancelled):
            executor.submit(carrying_cancellation(is_cancelled)).result()


def test_stages_are_cancelled_with_what_waits_for_them() -> None:
    with cancellable(Patience(2)), pytest.raises(Cancelled):
        list(overlap(str, range(10)))


def test_splitting_can_be_cancelled_at_many_points() -> None:
    rng = np.random.default_rng(0)
    foreground = np.zeros((1024, 1024), np.float32)
    y, x = np.ogrid[-8:9, -8:9]
    for centre in rng.integers(20, 1004, (400, 2)):
        top, left = centre - 8
        foreground[top : top + 17, left : left + 17] += (x**2 + y**2 < 64) * 0.5
    maps = Maps(foreground=np.minimum(foreground, 1), distance=foreground / 2)
    parameters = SplittingParameters(threshold=0.3, min_confidence=0)
    patience = Patience(np.inf)
    with cancellable(patience):
        labels = split_instances(maps, parameters)
    np.testing.assert_array_equal(labels, split_instances(maps, parameters))
    assert patience.n_asked >= 10
    for n_questions in range(patience.n_asked):
        with cancellable(Patience(n_questions)), pytest.raises(Cancelled):
            split_instances(maps, parameters)
