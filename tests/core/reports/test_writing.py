from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.reports.charts import Chart
from napari_unet_nuclei.core.reports.writing import (
    Column,
    Report,
    Row,
    is_own_report,
    read_rows,
    write_report,
)

if TYPE_CHECKING:
    from pathlib import Path

NASTY = "\"'><script>alert(1)</script>&=cmd|' /C calc'!A0\u2028"
COLUMNS = (
    Column(title="nuclei", hint="How many"),
    Column(title="area", hint="How big"),
)
ROWS = (
    Row(name="a", values=(3.0, 10.5), group="x", counts={"areas": (1, 2)}, outlier=2.0),
    Row(name=NASTY, values=(4.0, math.nan), group=NASTY, note=NASTY, link=NASTY),
    Row(name="c", values=(math.nan,) * 2, note="It cannot be read.", is_failed=True),
)
REPORT = Report(
    title=f"Nuclei of {NASTY}",
    facts=(("command", NASTY),),
    columns=COLUMNS,
    rows=ROWS,
    charts=(Chart(key="areas", title="area", edges=(1.0, 2.0, 3.0)),),
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    write_report(path, REPORT)
    return path


def data_of(page: Path) -> Any:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_names_are_nothing_but_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert text.count("<script") == 2
    assert data_of(page)["rows"][1]["name"] == NASTY
    assert data_of(page)["rows"][1]["link"].startswith("./%22%27%3E%3Cscript")


def test_nothing_is_loaded_from_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    loaded = re.findall(r"(?:src|href)=\"?([^\s\"#]+)", text)
    assert all(each.startswith("data:") for each in loaded), loaded
    assert not re.search(r"url\((?!#)|@import|<link|<iframe", text)


def test_numbers_travel_as_numbers_and_what_is_unknown_as_nothing(page: Path) -> None:
    first, second, third = data_of(page)["rows"]
    assert first["values"] == [3, 10.5]
    assert second["values"] == [4, None]
    assert third["failed"]
    assert [each["title"] for each in data_of(page)["columns"]] == ["nuclei", "area"]


def test_charts_have_the_colours_of_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 1
    assert "currentColor" in text
    assert "#010203" not in text


def test_rows_are_read_again_as_they_were(page: Path) -> None:
    rows = read_rows(page, COLUMNS)
    expected = [replace(row, outlier=0.0) for row in ROWS]
    for row, other in zip(rows, expected, strict=True):
        assert str(row) == str(other)  # NaN equals nothing
    assert is_own_report(page)


def test_other_pages_and_other_columns_give_no_rows(page: Path, tmp_path: Path) -> None:
    assert read_rows(page, COLUMNS[:1]) == []
    assert read_rows(tmp_path / "missing.html", COLUMNS) == []
    text = page.read_text(encoding="utf-8")
    for number, other in enumerate(
        (
            text.replace("generator", "author"),
            text.replace('"rows"', '"lines"'),
            text.replace('"values":', '"values": 7, "x":'),
            text[: len(text) // 2],
            "",
        )
    ):
        path = tmp_path / f"{number}.html"
        path.write_text(other, encoding="utf-8")
        assert read_rows(path, COLUMNS) == []


def test_a_page_that_is_there_stays(page: Path) -> None:
    before = page.read_bytes()
    with pytest.raises(OutputError):
        write_report(page, REPORT, may_replace=False)
    assert page.read_bytes() == before


def test_ten_thousand_images_stay_below_twenty_megabytes(tmp_path: Path) -> None:
    row = Row(
        name="a" * 40,
        values=(1.5,) * 2,
        thumbnail=bytes(1100),  # a typical one of 64 px
        counts={"areas": (7,) * 40, "intensities": (7,) * 25},
    )
    rows = tuple(replace(row, name=f"{number:040}") for number in range(10_000))
    path = tmp_path / "report.html"
    write_report(path, replace(REPORT, rows=rows, charts=()))
    assert path.stat().st_size < 20_000_000
