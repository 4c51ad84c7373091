"""The tools of the widget: their names, keys and hints."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tool(StrEnum):
    """What the mouse does on the canvas."""

    DELETE = "delete"
    MERGE = "merge"
    SPLIT = "split"
    ADD = "add"
    SMOOTH = "smooth"


class Trace(StrEnum):
    """What is drawn on the canvas while the mouse is dragged with a tool."""

    LINE = "line"
    BOX = "box"
    OUTLINE = "outline"


@dataclass(frozen=True, kw_only=True)
class ToolText:
    """How a tool is called, and what it is for.

    Parameters
    ----------
    title : str
        Word on its button.
    key : str
        Key that takes it; none of napari's own.
    hint : str
        What to do on the canvas.
    trace : Trace
        What is drawn while the mouse is dragged.
    """

    title: str
    key: str
    hint: str
    trace: Trace = Trace.LINE

    @property
    def tooltip(self) -> str:
        """The hint with the key."""
        return f"{self.hint} (key {self.key})"


TOOLS = {
    Tool.DELETE: ToolText(
        title="Delete",
        key="D",
        hint="Click a nucleus to delete it, or draw a box around several",
        trace=Trace.BOX,
    ),
    Tool.MERGE: ToolText(
        title="Merge",
        key="J",
        hint="Draw a stroke across the nuclei to join, or click one and then another",
    ),
    Tool.SPLIT: ToolText(
        title="Split",
        key="S",
        hint="Draw a stroke through the nucleus, or click into one half of it and then "
        "into the other",
    ),
    Tool.ADD: ToolText(
        title="Add",
        key="A",
        hint="Click into a missed nucleus to let it grow, draw around it, or straight "
        "across it if it is round",
        trace=Trace.OUTLINE,
    ),
    Tool.SMOOTH: ToolText(
        title="Smooth",
        key="H",
        hint="Click a nucleus to fill its holes and smooth its outline, or draw a "
        "stroke across several",
    ),
}
