"""Figures with axes and text as PNG files, without a screen.

No ``pyplot``: it keeps figures alive and chooses a window system.  What a figure
shows is decided in ``insights.pages`` and ``evaluation.figures``; pictures
without text are drawn in ``overlays``.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from napari_unet_nuclei.core.shown_text import as_encodable
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.own_files import SOFTWARE

if TYPE_CHECKING:
    import os

_DPI = 100


def make_figure(width: float, height: float) -> Figure:
    """Return an empty figure that arranges what is put into it.

    Parameters
    ----------
    width, height : float
        Size in pixels.

    Returns
    -------
    Figure
        Belongs to the caller alone.
    """
    figure = Figure(
        figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained"
    )
    FigureCanvasAgg(figure)
    return figure


def write_figure(path: str | os.PathLike[str], figure: Figure) -> None:
    """Write a figure as a PNG file.

    Parameters
    ----------
    path : path
        The file to write; what was there is replaced once all is written.
    figure : Figure
        What to draw.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with replacing(path) as part, warnings.catch_warnings():
        # Names of samples may be written in letters that the font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        for text in figure.findobj(Text):
            text.set_text(as_encodable(text.get_text()))
        figure.savefig(part, format="png", dpi=_DPI, metadata={"Software": SOFTWARE})
