"""Distributions as SVG, in the colours of the page that they stand on.

Drawn by matplotlib, which is there already: a plotting library for the browser would
add megabytes to each report, and these charts need no clicks.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from napari_unet_nuclei.core.shown_text import as_encodable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEXT_COLOUR = "#010203"  # stands for that of the page
_MOST_GROUPS = 8
_COLOURS = (
    *("#4c9be8", "#e8804c", "#4cb877", "#c678dd"),
    *("#d9a520", "#e06c9f", "#38b2ac", "#9a9a9a"),
)
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.size": 9,
    **dict.fromkeys(
        (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "xtick.color",
            "ytick.color",
        ),
        _TEXT_COLOUR,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A distribution that a report shows.

    Parameters
    ----------
    key : str
        What rows call their counts.
    title : str
        What is along the horizontal axis.
    edges : tuple of float
        Of the bins, ascending.
    is_logarithmic : bool
        Whether the horizontal axis is.
    """

    key: str
    title: str
    edges: tuple[float, ...]
    is_logarithmic: bool = False


def draw_distributions(chart: Chart, counts: Mapping[str, Sequence[int]]) -> str:
    """Draw how values are distributed in each group.

    Parameters
    ----------
    chart : Chart
        What is drawn.
    counts : mapping of str to sequence of int
        Values between each two edges, by group; of more than eight groups, the
        largest seven are drawn, and the others together.

    Returns
    -------
    str
        An ``svg`` element.
    """
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(4.6, 2.4), layout="constrained")
        axes = figure.add_subplot()
        shown = _largest(counts)
        for (group, each), colour in zip(shown.items(), _COLOURS, strict=False):
            total = max(1, int(np.sum(each)))
            parts = np.asarray(each, np.float64) / total * 100
            axes.stairs(
                parts, chart.edges, color=colour, label=as_encodable(group), lw=1.4
            )
        if chart.is_logarithmic:
            axes.set_xscale("log")
        axes.set_xlabel(chart.title)
        axes.set_ylabel("nuclei, %")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        if len(shown) > 1:
            axes.legend(frameon=False, fontsize=8)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace(_TEXT_COLOUR, "currentColor")


def _largest(counts: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    ranked = sorted(counts, key=lambda group: -int(np.sum(counts[group])))
    if len(ranked) <= _MOST_GROUPS:
        return dict(counts)
    shown = {group: counts[group] for group in ranked[: _MOST_GROUPS - 1]}
    others = [counts[group] for group in ranked[_MOST_GROUPS - 1 :]]
    return shown | {f"{len(others)} others": np.sum(others, axis=0).tolist()}
