from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.core.batch.reporting import COLUMNS
from napari_unet_nuclei.core.reports.writing import Row, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def segment(run: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    def call(*arguments: object) -> Result:
        return run("segment", *arguments, "-o", tmp_path / "out", "--model", "classic")

    return call


def rows_of(folder: Path) -> dict[str, Row]:
    return {row.name: row for row in read_rows(folder / "report.html", COLUMNS)}


def test_a_report_says_what_became_of_each_image(
    segment: Any, images: Path, tmp_path: Path
) -> None:
    (images / "broken.png").write_bytes(b"no image")
    result = segment(images, "--report", "--format", "overlay,features")
    assert result.exit_code == 1
    rows = rows_of(tmp_path / "out")
    assert rows.keys() == {"first", "second", "broken"}
    assert rows["broken"].is_failed
    assert "broken.png" in rows["broken"].note
    with (tmp_path / "out" / "first_nuclei.csv").open(encoding="utf-8") as file:
        n_nuclei = len([*csv.DictReader(file)])
    assert rows["first"].values[0] == n_nuclei == sum(rows["first"].counts["areas"])
    assert rows["first"].link == "first_overlay.png"
    assert (tmp_path / "out" / "first_overlay.png").exists()
    assert rows["first"].group == ""


def test_a_report_without_overlays_has_no_links(
    segment: Any, images: Path, tmp_path: Path
) -> None:
    assert segment(images, "--report").exit_code == 0
    assert {row.link for row in rows_of(tmp_path / "out").values()} == {None}


def test_groups_are_folders_or_come_from_a_csv(
    segment: Any, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "others").mkdir()
    for name in ("third", "fourth"):
        content = (images / "first.png").read_bytes()
        (tmp_path / "others" / f"{name}.png").write_bytes(content)
    both = images, tmp_path / "others"
    assert segment(*both, "--report").exit_code == 0
    groups = {name: row.group for name, row in rows_of(tmp_path / "out").items()}
    assert groups["first"] == "photos"
    assert groups["third"] == "others"
    listed = tmp_path / "groups.csv"
    listed.write_text("image,group\nfirst.png,=treated\nsecond,control\n")
    result = segment(*both, "--report", "--groups", listed, "--overwrite")
    assert result.exit_code == 0, result.output
    groups = {name: row.group for name, row in rows_of(tmp_path / "out").items()}
    assert groups["first"] == "=treated"
    assert groups["second"] == "control"
    assert groups["third"] == ""


def test_a_report_goes_on_where_a_batch_does(
    segment: Any, images: Path, tmp_path: Path
) -> None:
    assert segment(images / "first.png", "--report").exit_code == 0
    assert segment(images, "--report", "--skip-existing").exit_code == 0
    rows = rows_of(tmp_path / "out")
    assert rows.keys() == {"first", "second"}
    assert rows["first"].thumbnail


def test_what_was_done_before_an_error_is_reported(
    segment: Any, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_unet_nuclei.core.batch import run as batch

    segment_images = batch.segment_images

    def stop_after_one(*arguments: Any, **options: Any) -> Any:
        yield next(segment_images(*arguments, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "segment_images", stop_after_one)
    assert segment(images, "--report").exit_code != 0
    assert len(rows_of(tmp_path / "out")) == 1


def test_a_page_that_is_there_is_not_replaced_unasked(
    segment: Any, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    page = tmp_path / "out" / "report.html"
    page.write_text("mine")
    for options in ([], ["--skip-existing"]):
        result = segment(images, "--report", *options)
        assert result.exit_code == 1
        assert "report.html" in result.output
        assert page.read_text() == "mine"
        assert not (tmp_path / "out" / "first.tif").exists()
    assert segment(images, "--report", "--overwrite").exit_code == 0
    assert len(rows_of(tmp_path / "out")) == 2


def test_groups_need_a_report_and_a_csv(
    segment: Any, images: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "groups.csv"
    listed.write_text("image\nfirst\n")
    result = segment(images, "--groups", listed)
    assert "Add --report" in result.output
    result = segment(images, "--groups", listed, "--report")
    assert result.exit_code == 1
    assert "Expected a csv" in result.output
    assert not (tmp_path / "out" / "first.tif").exists()
