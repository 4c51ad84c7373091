from __future__ import annotations

from napari_unet_nuclei.plugin.shared.step_queue import StepQueue


def test_the_newest_step_stands_for_those_before() -> None:
    queue = StepQueue[int]()
    for step in range(1000):
        queue.put(step)
    assert len(queue) == 1
    assert list(queue.drain()) == [999]
    assert not queue


def test_steps_that_are_kept_stay_in_order() -> None:
    queue = StepQueue[int](lambda step: step % 10 == 0)
    for step in range(25):
        queue.put(step)
    assert list(queue.drain()) == [0, 10, 20, 24]


def test_what_is_not_taken_stays() -> None:
    queue = StepQueue[str](lambda _: True)
    for step in "abc":
        queue.put(step)
    assert next(queue.drain()) == "a"
    assert list(queue.drain()) == ["b", "c"]
    queue.put("d")
    queue.clear()
    assert not list(queue.drain())
