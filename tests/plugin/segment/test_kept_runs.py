"""The last run of each image and plane."""

from __future__ import annotations

from typing import Any

from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.kept_runs import KeptRun, KeptRuns


def make_run() -> KeptRun:
    nothing: Any = None
    return KeptRun(image_maps=nothing, inputs=nothing, settings=SegmentationSettings())


def test_the_newest_run_of_an_image_is_that_of_the_plane_segmented_last() -> None:
    runs, whole, plane, again = KeptRuns(), make_run(), make_run(), make_run()
    runs.keep(("a", None), whole)
    runs.keep(("a", (1,)), plane)
    assert runs.newest_of("a") is plane
    runs.keep(("a", None), again)
    assert runs.newest_of("a") is again
    assert runs.get(("a", None)) is again
    assert runs.get(("a", (1,))) is plane
    assert runs.newest_of("b") is runs.get(("a", (2,))) is runs.get(None) is None


def test_the_runs_of_an_image_are_forgotten_together() -> None:
    runs = KeptRuns()
    for key in ("a", None), ("a", (1,)), ("b", None):
        runs.keep(key, make_run())
    runs.forget("a")
    assert len(runs) == 1
    assert runs.newest_of("a") is None
