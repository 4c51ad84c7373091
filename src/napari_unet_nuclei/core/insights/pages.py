"""Pages of pictures of a data set: random samples, suspicious masks.

What they show is measured in ``inspection`` and ``suspicion``; diagrams are drawn in
``distributions``.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.drawing.figures import make_figure
from napari_unet_nuclei.core.drawing.overlays import (
    add_outlines,
    enlarge,
    find_outlines,
    stretch,
)
from napari_unet_nuclei.core.insights.summary import ALL
from napari_unet_nuclei.core.shown_text import make_visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample, SampleSource
    from napari_unet_nuclei.core.insights.masks import Box, Mask, MaskReader
    from napari_unet_nuclei.core.insights.summary import DataSetInsights
    from napari_unet_nuclei.core.insights.suspicion import SuspiciousMask

_COLUMNS = 6
_CELL = 300  # px
_LARGEST_CROP = 256  # px, of the images on the page of samples
_SMALLEST_CROP = 48  # px, around a suspicious mask
_LINE = 3  # px, on pictures twice as fine as the page
_LONGEST_LINE = 42  # characters, below a caption
_MASK, _OTHERS = (255, 214, 10), (42, 168, 255)


def draw_samples(source: SampleSource, insights: DataSetInsights, seed: int) -> Figure:
    """Random images of each staining with the outlines of their nuclei.

    Parameters
    ----------
    source : SampleSource
        The data set.
    insights : DataSetInsights
        What was found in it.
    seed : int
        Chooses the images, and the part that is shown of large ones.

    Returns
    -------
    Figure
        A row a staining; parts of images larger than 256 px, around a nucleus.
    """
    rng = np.random.default_rng(seed)
    groups = {name: group for name, group in insights.groups.items() if name != ALL}
    rows = []
    for name, group in groups.items():
        n_images = len(group.rows)
        chosen = rng.permutation(n_images)[:_COLUMNS]
        cells = [
            _draw_sample(source.read_sample(group.rows[n].sample_id), rng)
            for n in chosen
        ]
        rows.append((f"{name}\n{_count(n_images, 'image')}", cells))
    return _draw_grid(f"{insights.name}: random samples", rows)


def draw_suspicious(
    source: SampleSource, read_masks: MaskReader, insights: DataSetInsights
) -> Figure:
    """Odd masks for each reason, the oddest first, empty images, and duplicates.

    Parameters
    ----------
    source : SampleSource
        The data set.
    read_masks : callable
        What ``masks.open_masks`` returns for it.
    insights : DataSetInsights
        What was found in it.

    Returns
    -------
    Figure
        A row a reason, without those of empty masks, of which nothing can be
        shown; the mask in yellow, other nuclei in blue.
    """
    rows = []
    for reason, n_masks in insights.n_suspicious.items():
        odd = [mask for mask in insights.suspicious_masks if mask.reason is reason]
        odd.sort(key=lambda mask: -mask.severity)
        cells = islice(_draw_masks(source, read_masks, odd), _COLUMNS)
        rows.append((f"{reason}\n{_count(n_masks, 'mask')}", list(cells)))
    for title, sample_ids in (
        ("without nuclei", insights.without_nuclei),
        ("same pixels", [name for group in insights.duplicates for name in group]),
    ):
        few = sample_ids[:_COLUMNS]
        cells_of_images = [
            (_shorten(name), "", stretch(source.read_image(name))) for name in few
        ]
        rows.append((f"{title}\n{_count(len(sample_ids), 'image')}", cells_of_images))
    rows = [(title, cells) for title, cells in rows if cells]
    title = "what one should look at before training" if rows else "nothing looks odd"
    return _draw_grid(f"{insights.name}: {title}", rows)


def _draw_sample(sample: Sample, rng: np.random.Generator) -> tuple[str, str, Any]:
    """Return the name of a sample, what is in it, and a picture."""
    rows, columns = np.nonzero(sample.labels > 0)
    centre = tuple(length // 2 for length in sample.labels.shape)
    if rows.size:
        nucleus = rng.integers(rows.size)
        centre = int(rows[nucleus]), int(columns[nucleus])
    crop = _crop(sample.labels.shape, centre, _LARGEST_CROP)
    labels = sample.labels[crop]
    zoom = _choose_zoom(labels)
    picture = enlarge(stretch(sample.image)[crop], zoom)
    add_outlines(picture, enlarge(labels, zoom), width=_LINE)
    n_nuclei = np.unique(sample.labels[sample.labels > 0]).size
    size = "×".join(map(str, sample.labels.shape[::-1]))
    return _shorten(sample.sample_id), f"{n_nuclei} nuclei, {size} px", picture


def _draw_masks(
    source: SampleSource, read_masks: MaskReader, odd: Sequence[SuspiciousMask]
) -> Iterator[tuple[str, str, Any]]:
    for suspicious in odd:
        sample = source.read_sample(suspicious.sample_id)
        for mask in read_masks(sample):
            if mask.name == suspicious.mask and mask.pixels.size:
                name = f"{_shorten(sample.sample_id)} · {_shorten(mask.name)}"
                yield name, suspicious.evidence, _draw_mask(sample, mask)
                break


def _draw_mask(sample: Sample, mask: Mask) -> NDArray[np.uint8]:
    """Draw the part of an image around a mask, the mask on top of other nuclei."""
    own = np.zeros_like(sample.labels)
    own[mask.box] = mask.pixels
    crop = _crop_around(mask.box, own.shape)
    zoom = _choose_zoom(own[crop])
    picture = enlarge(stretch(sample.image)[crop], zoom)
    for labels, color in ((sample.labels, _OTHERS), (own, _MASK)):
        picture[find_outlines(enlarge(labels[crop], zoom), _LINE)] = color
    return picture


def _draw_grid(
    title: str, rows: Sequence[tuple[str, Sequence[tuple[str, str, Any]]]]
) -> Figure:
    """Draw a row of captioned pictures for each name."""
    figure = make_figure(
        (_COLUMNS + 0.6) * _CELL, max(1, len(rows)) * (_CELL + 50) + 60
    )
    figure.suptitle(title, parse_math=False)
    if not rows:
        return figure
    grid = figure.subplots(len(rows), _COLUMNS, squeeze=False)
    for (name, cells), row in zip(rows, grid, strict=True):
        for axes in row:
            axes.set_axis_off()
        for (caption, evidence, picture), axes in zip(cells, row, strict=False):
            axes.imshow(picture)
            below = evidence
            if len(below) > _LONGEST_LINE:
                below = f"{below[:_LONGEST_LINE]}…"
            axes.set_title(f"{caption}\n{below}", fontsize=8, parse_math=False)
        row[0].text(
            *(-0.08, 0.5, name),
            transform=row[0].transAxes,
            rotation=90,
            ha="right",
            va="center",
            multialignment="center",
        )
    return figure


def _choose_zoom(pixels: NDArray[Any]) -> int:
    """Twice as fine as the page, so that lines come out smooth."""
    return max(1, 2 * _CELL // int(max(pixels.shape)))


def _crop(shape: tuple[int, ...], centre: tuple[int, ...], side: int) -> Box:
    """Return a square around a pixel, moved until it lies inside the image."""
    starts = [
        max(0, min(middle - side // 2, length - side))
        for middle, length in zip(centre, shape, strict=True)
    ]
    return (
        slice(starts[0], starts[0] + side),
        slice(starts[1], starts[1] + side),
    )


def _crop_around(box: Box, shape: tuple[int, ...]) -> Box:
    side = max(_SMALLEST_CROP, *(2 * (edge.stop - edge.start) for edge in box))
    return _crop(shape, tuple((edge.start + edge.stop) // 2 for edge in box), side)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _shorten(name: str) -> str:
    name = make_visible(name)
    return name if len(name) <= 20 else f"{name[:10]}…{name[-6:]}"
