"""A report becomes one HTML file that works without a network, and is read again.

The template is Jinja's, which escapes what it is given; rows travel as JSON, and the
page puts them into the table as text, never as HTML.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from napari_unet_nuclei.core.reports.charts import Chart, draw_distributions
from napari_unet_nuclei.core.shown_text import as_encodable
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.own_files import SOFTWARE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import jinja2

_LARGEST = 1 << 28  # bytes
_HEAD = 4096  # bytes
_MARK = f'<meta name="generator" content="{SOFTWARE.split()[0]} '.encode()
_DATA = re.compile(
    r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of numbers.

    Parameters
    ----------
    title : str
        What stands above it, with the unit.
    hint : str
        What it means, in a sentence.
    digits : int
        Digits after the point.
    """

    title: str
    hint: str
    digits: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """An image in the table.

    Parameters
    ----------
    name : str
        Of the image.
    values : tuple of float
        One for each column; NaN where there is none.
    group : str
        What it is compared within.
    thumbnail : bytes
        WebP picture; empty without one.
    link : str, optional
        File that a click on the thumbnail opens, relative to the report.
    note : str
        Sentences.
    counts : mapping of str to tuple of int
        Its part of each chart.
    outlier : float
        How far it lies from the others, in robust standard deviations.
    is_failed : bool
        Whether there is no result, for the reason in the note.
    """

    name: str
    values: tuple[float, ...] = ()
    group: str = ""
    thumbnail: bytes = b""
    link: str | None = None
    note: str = ""
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    outlier: float = 0.0
    is_failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """A page about many images.

    Parameters
    ----------
    title : str
        Its heading.
    facts : tuple of (str, str)
        What was run, with which model and version, and what came of it.
    columns : tuple of Column
        What the table says of each image.
    rows : tuple of Row
        The images.
    charts : tuple of Chart
        Distributions that it shows, where rows have counts of them.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    charts: tuple[Chart, ...] = ()


def write_report(path: Path, report: Report, *, may_replace: bool = True) -> None:
    """Write a report, all of it or nothing.

    Parameters
    ----------
    path : Path
        The HTML file.
    report : Report
        What it says.
    may_replace : bool
        Whether a file that is there is replaced.

    Raises
    ------
    OutputError
        If it cannot be written, or is there and may not be replaced.
    """
    page = _template().render(
        report=report,
        data={
            "columns": [
                {"title": each.title, "digits": each.digits} for each in report.columns
            ],
            "rows": [_as_json(row) for row in report.rows],
        },
        charts=_draw_charts(report),
        software=SOFTWARE,
        groups=sorted({row.group for row in report.rows if row.group}),
        failed=[row for row in report.rows if row.is_failed],
        style=_read("report.css"),
        script=_read("report.js"),
    )
    with replacing(path, may_replace=may_replace) as temporary:
        temporary.write_text(as_encodable(page), encoding="utf-8")


def _draw_charts(report: Report) -> list[str]:
    drawn = []
    for chart in report.charts:
        by_group: dict[str, list[int]] = {}
        for row in report.rows:
            if counts := row.counts.get(chart.key):
                sums = by_group.get(row.group, [0] * len(counts))
                by_group[row.group] = [a + b for a, b in zip(sums, counts, strict=True)]
        if any(map(any, by_group.values())):
            drawn.append(draw_distributions(chart, by_group))
    return drawn


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "name": as_encodable(row.name),
        "group": as_encodable(row.group),
        "values": [value if math.isfinite(value) else None for value in row.values],
        "thumbnail": base64.b64encode(row.thumbnail).decode(),
        # Quoted, and behind a folder, a name is never a scheme.
        "link": row.link and f"./{quote(as_encodable(row.link))}",
        "note": as_encodable(row.note),
        "counts": {key: list(counts) for key, counts in row.counts.items()},
        "outlier": round(row.outlier, 2),
        "failed": row.is_failed,
    }


def read_rows(path: Path, columns: Sequence[Column]) -> list[Row]:
    """Read the rows of a report of this package, to add others.

    Parameters
    ----------
    path : Path
        The HTML file.
    columns : sequence of Column
        What it must say of each image.

    Returns
    -------
    list of Row
        Without their outlier scores; empty if the file is missing, too large or no
        such report.
    """
    try:
        if path.stat().st_size > _LARGEST:
            return []
        text = path.read_text(encoding="utf-8")
        found = _DATA.search(text)
        if found is None or not is_own_report(path):
            return []
        data = json.loads(found[1])
        if [each["title"] for each in data["columns"]] != [c.title for c in columns]:
            return []
        return [_from_json(row) for row in data["rows"]]
    except (OSError, ValueError, LookupError, TypeError, binascii.Error):
        return []


def is_own_report(path: Path) -> bool:
    """Whether a file is a report that this package wrote.

    Parameters
    ----------
    path : Path
        Any path.
    """
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_HEAD)
    except OSError:
        return False


def _from_json(row: Mapping[str, Any]) -> Row:
    link = row["link"]
    return Row(
        name=str(row["name"]),
        group=str(row["group"]),
        values=tuple(
            math.nan if each is None else float(each) for each in row["values"]
        ),
        thumbnail=base64.b64decode(row["thumbnail"]),
        link=link and unquote(str(link)).removeprefix("./"),
        note=str(row["note"]),
        counts={
            str(key): tuple(int(each) for each in counts)
            for key, counts in row["counts"].items()
        },
        is_failed=bool(row["failed"]),
    )


def _read(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_read("report.html"))
