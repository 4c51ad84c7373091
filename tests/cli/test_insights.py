from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

PAGES = ("samples.png", "distributions.png", "suspicious.png")


def test_a_data_set_gets_pages_numbers_and_a_summary(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    out = tmp_path / "look"
    result = run("insights", dsb2018, "-o", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*PAGES, "insights.json"]
    )
    for page in PAGES:
        with Image.open(out / page) as picture:
            assert min(picture.size) > 300
    content = json.loads((out / "insights.json").read_text(encoding="utf-8"))
    n_nuclei = content["groups"]["all"]["n_nuclei"]
    assert (content["n_images"], content["without_nuclei"]) == (3, ["cc"])
    last = [line for line in result.output.splitlines() if line.startswith("  all")]
    assert last[0].split()[:3] == ["all", "3", str(n_nuclei)]
    assert "images without nuclei: 1\n  cc\n" in result.output


def test_a_zip_and_its_folder_look_alike(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    archive = shutil.make_archive(str(dsb2018), "zip", dsb2018.parent, dsb2018.name)
    looks = []
    options = ("-o", tmp_path / "look", "--overwrite")
    for data in (dsb2018, archive):
        assert run("insights", data, *options).exit_code == 0
        looks.append((tmp_path / "look" / "insights.json").read_text())
    assert looks[0] == looks[1]


def test_a_folder_with_images_and_labels_is_looked_at(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    result = run("insights", labelled, "-o", tmp_path / "look")
    assert result.exit_code == 0, result.output
    assert "Nothing looks odd." in result.output


def test_bad_samples_and_odd_masks_are_named(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    (dsb2018 / "bb" / "images" / "bb.png").write_text("Dear colleague")
    blank = np.zeros((128, 128), np.uint8)
    Image.fromarray(blank).save(dsb2018 / "aa" / "masks" / "blank.png")
    blank[:] = 255
    Image.fromarray(blank).save(dsb2018 / "aa" / "masks" / "zz.png")
    result = run("insights", dsb2018, "-o", tmp_path / "look")
    assert result.exit_code == 0, result.output
    assert "1 mask empty\n1 mask nearly all the image\n" in result.output
    assert "samples that cannot be read: 1\n  bb: " in result.output
    assert "bb.png" in result.output
    content = json.loads((tmp_path / "look" / "insights.json").read_text())
    assert content["n_unreadable"] == 1
    masks = {(odd["mask"], odd["reason"]) for odd in content["suspicious_masks"]}
    assert ("blank.png", "empty") in masks
    assert ("zz.png", "nearly all the image") in masks
    assert ("zz.png", "overlapping") in masks


def test_a_data_set_that_cannot_be_read_at_all_is_an_error(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    for image in dsb2018.glob("*/images/*.png"):
        image.write_text("Dear colleague")
    result = run("insights", dsb2018, "-o", tmp_path / "look")
    assert result.exit_code == 1
    assert "of whose 3 samples none can be read" in result.output
    assert "aa.png" in result.output
    assert not (tmp_path / "look").exists()


def test_a_split_chooses_what_is_looked_at(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    split = tmp_path / "split.json"
    split.write_text('{"val": ["bb"]}')
    command = ("insights", dsb2018, "-o", tmp_path / "look")
    assert run(*command, "--split", f"{split}:val").exit_code == 0
    content = json.loads((tmp_path / "look" / "insights.json").read_text())
    assert [image["sample_id"] for image in content["images"]] == ["bb"]


@pytest.mark.parametrize("name", ["nothing", "photos"])
def test_what_is_no_data_set_is_named(
    run: Callable[..., Result], images: Path, tmp_path: Path, name: str
) -> None:
    result = run("insights", tmp_path / name, "-o", tmp_path / "look")
    assert result.exit_code == 1
    assert name in result.output
    assert "Traceback" not in result.output


def test_many_names_are_cut_short(
    run: Callable[..., Result], dsb2018: Path, tmp_path: Path
) -> None:
    for number in range(12):
        shutil.copytree(dsb2018 / "cc", dsb2018 / f"x{number:02}")
    result = run("insights", dsb2018, "-o", tmp_path / "look")
    assert result.exit_code == 0, result.output
    assert "images without nuclei: 13" in result.output
    assert "  x08\n  … the others are in insights.json" in result.output
