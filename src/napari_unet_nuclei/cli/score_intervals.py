"""Where the scores that ``evaluate`` prints most likely lie on more such images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet_nuclei.core.evaluation.comparison import ImageCompared
    from napari_unet_nuclei.core.evaluation.intervals import Interval
    from napari_unet_nuclei.core.settings.choices import Monitor


def find_intervals(images: Sequence[ImageCompared]) -> dict[Monitor, Interval]:
    """Return the intervals of DSB2018 score and AP50 over all images.

    Parameters
    ----------
    images : sequence of ImageCompared
        The images.

    Returns
    -------
    dict of Monitor to Interval
        Empty where there are too few images and nuclei to tell.
    """
    from napari_unet_nuclei.core.evaluation.intervals import interval_of
    from napari_unet_nuclei.core.evaluation.resampling import resample_score
    from napari_unet_nuclei.core.settings.choices import Monitor

    outcomes = [image.outcome for image in images if image.outcome is not None]
    found = {}
    for monitor in (Monitor.DSB2018, Monitor.AP50):
        draws = resample_score(outcomes, monitor)
        if draws is not None:
            found[monitor] = interval_of(draws)
    return found


def describe_intervals(images: Sequence[ImageCompared]) -> str | None:
    """Say in a sentence where scores lie, ``None`` where that cannot be told."""
    from napari_unet_nuclei.core.evaluation.intervals import FEWEST_IMAGES
    from napari_unet_nuclei.core.training.steps import SCORE_NAMES

    intervals = find_intervals(images)
    if not intervals:
        return None
    scores = " and ".join(
        f"{SCORE_NAMES[monitor]} {interval}" for monitor, interval in intervals.items()
    )
    n_images = sum(image.scores.is_annotated for image in images)
    n_nuclei = sum(image.scores.n_true for image in images)
    if n_images < FEWEST_IMAGES:
        of = "image" if n_images == 1 else "images"
        return (
            f"On more nuclei of {n_images} such {of}, {scores} can be expected, by "
            f"{n_nuclei:,} nuclei; other images can differ more"
        )
    return f"On more such images, {scores} can be expected, by {n_images:,} images"
