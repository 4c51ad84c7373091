"""Draw the data flow on the page about the architecture, as an SVG.

python docs/make_data_flow.py
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

TARGET = Path(__file__).parent / "images" / "data-flow.svg"
LEFT, TOP, COLUMN, ROW = 20, 56, 182, 118  # px: of the first box, and between boxes
WIDTH, HEIGHT = 152, 62  # px, of a box
GAP = 4  # px, between an arrow and its boxes
STYLE = """
text { font-family: sans-serif; text-anchor: middle; fill: #1b2a3a }
.name { font-size: 15px; font-weight: bold }
.detail { font-size: 11px }
.title { font-size: 13px; text-anchor: start; fill: #51606f }
.package { fill: #dbe9f6; stroke: #2f6ea5; stroke-width: 1.5 }
.thing { fill: #ffffff; stroke: #8a97a5; stroke-width: 1.5; stroke-dasharray: 4 3 }
line { stroke: #1b2a3a; stroke-width: 1.5; marker-end: url(#head) }
"""


class Box(NamedTuple):
    """A package, or a thing that goes from one package to the next."""

    column: int
    row: int
    name: str
    detail: str
    is_package: bool = True


BOXES = {
    box.name: box
    for box in (
        Box(0, 0, "image", "file, layer or array", is_package=False),
        Box(1, 0, "images", "axes, channels, limits"),
        Box(2, 0, "segmentation", "tiles, scales, stacks"),
        Box(3, 0, "maps", "(Y, X) float32 each", is_package=False),
        Box(4, 0, "instances", "splitting, measuring"),
        Box(5, 0, "labels", "(Y, X) int32, a table", is_package=False),
        Box(2, 1, "engines", "OpenVINO or Keras"),
        Box(3, 1, "networks", "Keras graphs"),
        Box(4, 1, "evaluation", "labels against the truth"),
        Box(5, 1, "files, drawing", "labels, tables, pictures"),
        Box(1, 2, "conversion", "imports, ensembles"),
        Box(2, 2, "models", "bundles: .unetnuclei"),
        Box(3, 2, "training", "crops, steps, validation"),
        Box(4, 2, "datasets", "samples of any layout"),
        Box(5, 2, "annotations", "images with labels", is_package=False),
    )
}
ARROWS = (
    ("image", "images"),
    ("images", "segmentation"),
    ("segmentation", "maps"),
    ("maps", "instances"),
    ("instances", "labels"),
    ("labels", "files, drawing"),
    ("instances", "evaluation"),
    ("datasets", "evaluation"),
    ("annotations", "datasets"),
    ("datasets", "training"),
    ("networks", "training"),
    ("training", "models"),
    ("conversion", "models"),
    ("models", "engines"),
    ("engines", "segmentation"),
)


def corner(box: Box) -> tuple[int, int]:
    """Return the upper left corner of a box."""
    return LEFT + box.column * COLUMN, TOP + box.row * ROW


def draw_box(box: Box) -> str:
    """Return a rectangle with two lines of text."""
    x, y = corner(box)
    middle = x + WIDTH // 2
    kind = "package" if box.is_package else "thing"
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="6"/><text class="name" x="{middle}" y="{y + 27}">{escape(box.name)}'
        f'</text><text class="detail" x="{middle}" y="{y + 46}">{escape(box.detail)}'
        "</text>"
    )


def draw_arrow(start: Box, end: Box) -> str:
    """Return a line between neighbours in a row or in a column."""
    right, down = end.column - start.column, end.row - start.row
    half_width, half_height = WIDTH // 2, HEIGHT // 2
    (x1, y1), (x2, y2) = corner(start), corner(end)
    x1 += half_width + right * (half_width + GAP)
    x2 += half_width - right * (half_width + GAP)
    y1 += half_height + down * (half_height + GAP)
    y2 += half_height - down * (half_height + GAP)
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def main() -> None:
    """Draw the picture."""
    width = 2 * LEFT + 5 * COLUMN + WIDTH
    height = TOP + 2 * ROW + HEIGHT + 44
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" '
        'orient="auto"><path d="M0,0 L9,4 L0,8 z" fill="#1b2a3a"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#f7f9fb"/>',
        f'<text class="title" x="{LEFT}" y="34">segment, from left to right</text>',
        f'<text class="title" x="{LEFT}" y="{height - 16}">train, from right to left'
        "</text>",
        *map(draw_box, BOXES.values()),
        *(draw_arrow(BOXES[start], BOXES[end]) for start, end in ARROWS),
        "</svg>",
    ]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
