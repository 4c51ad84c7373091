"""A picture of one image with true and predicted outlines and each mistake marked.

Which mistakes there are is found in ``mistakes``; pictures of a prediction alone
are drawn in ``overlays``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy import ndimage

from napari_unet_nuclei.core.drawing.figures import make_figure
from napari_unet_nuclei.core.drawing.overlays import (
    dim,
    enlarge,
    find_outlines,
    stretch,
)
from napari_unet_nuclei.core.shown_text import make_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.evaluation.comparison import ImageCompared, LabelPair

# In px.  Images are enlarged until the panel is large and a nucleus is too, and
# thinned out where they are larger than the largest panel.
_PANEL, _LARGEST_PANEL = 900, 2600
_NUCLEUS = 30
_HEADER, _LEGEND = 50, 60

# Distinct for colour-blind readers too, on dark and on light nuclei.
_TRUE, _PREDICTED, _AGREED = "#2aa8ff", "#ff3fa4", "#ffd60a"


def draw_comparison(pair: LabelPair, compared: ImageCompared) -> Figure:
    """Image beside the same image with outlines, each mistake marked.

    Parameters
    ----------
    pair : LabelPair
        The image and its labels; without an image, outlines lie on black.
    compared : ImageCompared
        Scores and mistakes of the same image.

    Returns
    -------
    Figure
        Outlines on which truth and prediction agree within a pixel in yellow,
        others in blue (true) and pink (predicted).  M marks a merge, S a split, a
        circle a nucleus that is missed, a cross one that is spurious.
    """
    side = max(pair.truth.shape)
    diameter = _typical_diameter(pair.truth)
    step = math.ceil(side / _LARGEST_PANEL)
    zoom = max(1, round(_PANEL / side))
    zoom = max(zoom, min(math.ceil(_NUCLEUS / diameter), _LARGEST_PANEL // side))
    truth, prediction = (
        enlarge(labels[::step, ::step], zoom)
        for labels in (pair.truth, pair.prediction)
    )
    under = np.zeros((*truth.shape, 3), np.uint8)
    panels = []
    if pair.image is not None:
        panels.append(enlarge(stretch(pair.image)[::step, ::step], zoom))
        under = dim(panels[0])
    panels.append(_draw_outlines(under, truth, prediction, zoom))

    panel_height, panel_width = truth.shape
    grid = (len(panels), 1) if panel_width > 1.5 * panel_height else (1, len(panels))
    figure = make_figure(
        max(_PANEL, grid[1] * (panel_width + 10)),
        grid[0] * (panel_height + 10) + _HEADER + _LEGEND,
    )
    figure.suptitle(_title(compared), fontsize=11, parse_math=False)
    all_axes = figure.subplots(*grid, squeeze=False).ravel()
    for axes, panel in zip(all_axes, panels, strict=True):
        axes.imshow(panel, interpolation="nearest")
        axes.set_axis_off()
    zoom_in_all = zoom / step
    size = min(max(0.4 * diameter * zoom_in_all, 5), 10)
    handles = _mark_mistakes(axes, pair, compared, zoom_in_all, size)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False
    )
    return figure


def _typical_diameter(labels: NDArray[np.int32]) -> float:
    """Return the median diameter of circles as large as the nuclei, in px."""
    _, areas = np.unique(labels[labels > 0], return_counts=True)
    return float(np.sqrt(4 / np.pi * np.median(areas))) if areas.size else _NUCLEUS


def _draw_outlines(
    under: NDArray[np.uint8],
    truth: NDArray[np.int32],
    prediction: NDArray[np.int32],
    zoom: int,
) -> NDArray[np.uint8]:
    true, predicted = (
        find_outlines(labels, width=min(zoom, 2)) for labels in (truth, prediction)
    )
    near_true, near_predicted = (
        ndimage.maximum_filter(lines, 2 * zoom + 1) for lines in (true, predicted)
    )
    picture = under.copy()
    picture[predicted] = _rgb(_PREDICTED)
    picture[predicted & near_true] = _rgb(_AGREED)
    picture[true & ~near_predicted] = _rgb(_TRUE)
    return picture


def _title(compared: ImageCompared) -> str:
    scores = compared.scores
    staining = "" if compared.staining is None else f" ({compared.staining})"
    return (
        f"{make_visible(compared.name)}{staining}\nDSB2018 {scores.dsb2018:.3f}, AP50 "
        f"{scores.ap[0.5]:.3f}, Dice {scores.dice:.3f}: {scores.n_true} nuclei, "
        f"{scores.n_predicted} found, {scores.tp[0]} of them right"
    )


def _mark_mistakes(
    axes: Axes, pair: LabelPair, compared: ImageCompared, zoom: float, size: float
) -> list[Artist]:
    """Put a mark of a size in points on each mistake; return the legend's entries."""
    mistakes = compared.mistakes
    stroke = [withStroke(linewidth=3, foreground="black")]
    handles: list[Artist] = [
        Line2D([], [], color=color, linewidth=3, label=label, path_effects=stroke)
        for color, label in (
            (_AGREED, "agreed"),
            (_TRUE, "true only"),
            (_PREDICTED, "predicted only"),
        )
    ]
    for marker, color, what, labels, wrong in (
        ("$\\mathbf{M}$", "white", "merged", pair.prediction, mistakes.merges),
        ("$\\mathbf{S}$", "white", "split", pair.truth, mistakes.splits),
        ("o", _TRUE, "missed", pair.truth, mistakes.misses),
        ("x", _PREDICTED, "spurious", pair.prediction, mistakes.spurious),
    ):
        (marks,) = axes.plot(
            *_centres(labels, wrong, zoom),
            linestyle="none",
            marker=marker,
            markersize=size,
            markeredgewidth=2 if marker in "ox" else 0.4,
            markerfacecolor="none" if marker == "o" else color,
            markeredgecolor=color,
            path_effects=stroke,
            label=f"{what}: {len(wrong)}",
        )
        handles.append(marks)
    return handles


def _centres(
    labels: NDArray[np.int32], wrong: Sequence[int], zoom: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of nuclei, whose labels ascend, in the enlarged picture."""
    rows, columns = np.nonzero(np.isin(labels, wrong))
    nuclei = np.searchsorted(wrong, labels[rows, columns])
    areas = np.bincount(nuclei, minlength=len(wrong))
    y, x = (
        (np.bincount(nuclei, weights=pixels, minlength=len(wrong)) / areas + 0.5) * zoom
        - 0.5
        for pixels in (rows, columns)
    )
    return x, y


def _rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))
