"""Diagrams of a data set: sizes, counts, areas and intensities, per staining.

What they show is summed up in ``summary``; pictures are drawn in ``pages``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
    StrMethodFormatter,
)

from napari_unet_nuclei.core.drawing.figures import make_figure
from napari_unet_nuclei.core.images.staining import Staining
from napari_unet_nuclei.core.insights.summary import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_unet_nuclei.core.insights.summary import DataSetInsights, GroupInsights

_COLORS = {
    Staining.GRAYSCALE_DARK: "#34495e",
    Staining.GRAYSCALE_BRIGHT: "#2a9df4",
    Staining.STAINED_DARK: "#6a1b9a",
    Staining.STAINED_BRIGHT: "#d81b8c",
}


def draw_distributions(insights: DataSetInsights) -> Figure:
    """Sizes, counts, areas and intensities, per staining.

    Parameters
    ----------
    insights : DataSetInsights
        What was found in the data set.

    Returns
    -------
    Figure
        Six kinds of diagrams.
    """
    groups = {name: group for name, group in insights.groups.items() if name != ALL}
    figure = make_figure(1500, 1150)
    figure.suptitle(
        f"{insights.name}: {len(insights.rows):,} images, "
        f"{insights.groups[ALL].areas.size:,} nuclei",
        parse_math=False,
    )
    grid = figure.add_gridspec(2, 1, height_ratios=(2, 1))
    upper, lower = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    (sizes, counts, foreground), (diameters, touching, odd) = upper.subplots(2, 3)
    _draw_sizes(sizes, insights, groups)
    _draw_histogram(
        counts,
        {n: [row.n_nuclei for row in g.rows] for n, g in groups.items()},
        title="Nuclei in an image",
        ylabel="images",
        logarithmic=True,
    )
    _draw_histogram(
        foreground,
        {n: [row.foreground for row in g.rows] for n, g in groups.items()},
        title="Part of an image that nuclei cover",
        ylabel="images",
    )
    foreground.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _draw_histogram(
        diameters,
        {n: g.diameters for n, g in groups.items()},
        title="Diameter of a circle as large as the nucleus, px",
        ylabel="nuclei",
        logarithmic=True,
    )
    _draw_bars(
        touching,
        {name: group.touching for name, group in groups.items()},
        title="Nuclei that touch another one",
    )
    touching.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _draw_odd(odd, insights)
    handles, names = sizes.get_legend_handles_labels()
    upper.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    _draw_intensities(lower, groups)
    return figure


def _draw_sizes(
    axes: Axes, insights: DataSetInsights, groups: dict[str, GroupInsights]
) -> None:
    sizes = [size for size, _ in insights.groups[ALL].sizes[:8]]
    names = [f"{width} × {height}" for height, width in sizes]
    left = np.zeros(len(sizes))
    for name, group in groups.items():
        counts = dict(group.sizes)
        widths = [counts.get(size, 0) for size in sizes]
        axes.barh(names, widths, left=left, color=_COLORS[Staining(name)], label=name)
        left += widths
    for row, n_images in enumerate(left):
        axes.annotate(
            *(f"{n_images:,.0f}", (n_images, row)),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
        )
    axes.margins(x=0.15)
    axes.invert_yaxis()
    n_sizes = len(insights.groups[ALL].sizes)
    more = "" if n_sizes == len(sizes) else f", the {len(sizes)} commonest of {n_sizes}"
    axes.set(title=f"Width × height, px{more}", xlabel="images")


def _draw_histogram(
    axes: Axes,
    values: dict[str, Any],
    *,
    title: str,
    ylabel: str,
    logarithmic: bool = False,
) -> None:
    everything = np.concatenate([np.asarray(v, float) for v in values.values()])
    high = everything.max(initial=0) or 1
    if logarithmic:
        low = max(1, everything.min(initial=high))
        edges = np.geomspace(low, 1.001 * max(high, 2 * low), 31)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        edges = np.linspace(0, high, 31)
    axes.hist(
        list(values.values()),
        bins=list(edges),
        stacked=True,
        color=[_COLORS[Staining(name)] for name in values],
        label=list(values),
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title=title, ylabel=ylabel)


def _draw_bars(axes: Axes, values: dict[str, float], *, title: str) -> None:
    names = list(values)
    colors = [_COLORS[Staining(name)] for name in names]
    bars = axes.barh(names, list(values.values()), color=colors)
    axes.bar_label(bars, fmt="{:.0%}", padding=3)
    axes.invert_yaxis()
    axes.set(title=title, xlim=(0, 1.1))


def _draw_odd(axes: Axes, insights: DataSetInsights) -> None:
    counts = {str(reason): n for reason, n in insights.n_suspicious.items()}
    if counts:
        bars = axes.barh(list(counts), list(counts.values()), color="#e67e22")
        axes.bar_label(bars, padding=3)
        axes.invert_yaxis()
        axes.margins(x=0.15)
    else:
        axes.set_axis_off()
    axes.set_title("Masks to look at" if counts else "No mask looks odd")


def _draw_intensities(figure: Any, groups: dict[str, GroupInsights]) -> None:
    all_axes = figure.subplots(1, len(groups), squeeze=False)[0]
    for axes, (name, group) in zip(all_axes, groups.items(), strict=True):
        for counts, color, label in (
            (group.background_intensities, "#b0b0b0", "background"),
            (group.nucleus_intensities, _COLORS[Staining(name)], "nuclei"),
        ):
            density = counts / max(1, counts.sum())
            axes.stairs(
                density, np.arange(257), fill=True, alpha=0.6, color=color, label=label
            )
        axes.set(
            title=f"Intensities, {name}",
            xlabel="mean of R, G, B on the 8-bit scale",
            ylim=(0, _clip_peak(group)),
            yticks=[],
        )
        axes.legend(frameon=False)


def _clip_peak(group: GroupInsights) -> float:
    """Height at which a black background does not flatten everything else."""
    peaks = [
        float((counts / max(1, counts.sum()))[1:].max())
        for counts in (group.nucleus_intensities, group.background_intensities)
    ]
    return 1.1 * max(min(max(peaks), 3 * peaks[0]), 1e-3)
