from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.drawing.figures import make_figure, write_figure
from napari_unet_nuclei.core.drawing.overlays import write_png
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.core.writing.own_files import SOFTWARE, is_own_file

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.arange(24, dtype=np.int32).reshape(4, 6)
PICTURE = np.zeros((4, 6, 3), np.uint8)
WRITERS = {
    "labels.tif": lambda path: write_labels_tiff(path, LABELS),
    "many.tif": lambda path: write_labels_tiff(path, LABELS + 70_000),
    "stack.tif": lambda path: write_labels_tiff(
        path, np.stack([LABELS] * 3), axes="ZYX"
    ),
    "labels.png": lambda path: write_labels_png(path, LABELS),
    "overlay.png": lambda path: write_png(path, PICTURE),
    "figure.png": lambda path: write_figure(path, make_figure(80, 60)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_here_is_known_again_under_any_name(
    name: str, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / name)
    renamed = tmp_path / "photo.jpg"
    (tmp_path / name).rename(renamed)
    assert is_own_file(renamed)


def test_other_programs_read_the_mark(tmp_path: Path) -> None:
    write_labels_tiff(tmp_path / "a.tif", LABELS)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages.first.software == SOFTWARE
        assert tiff.is_imagej
    write_labels_png(tmp_path / "a.png", LABELS)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.text == {"Software": SOFTWARE}


def test_an_image_of_a_sample_is_an_image_like_any_other(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path, "x", LABELS.astype(np.uint8), LABELS)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 24
    assert not any(is_own_file(path) for path in files)


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_the_mark_is_found_in_every_kind_of_tiff(
    byteorder: str, bigtiff: bool, tmp_path: Path
) -> None:
    for software, is_ours in ((SOFTWARE, True), ("ImageJ", False), (None, False)):
        path = tmp_path / "a.tif"
        tifffile.imwrite(
            path, LABELS, byteorder=byteorder, bigtiff=bigtiff, software=software
        )
        assert is_own_file(path) == is_ours


def test_images_of_other_programs_are_not_ours(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "a.bmp", "a.tif"):
        Image.fromarray(PICTURE).save(tmp_path / name)
        assert not is_own_file(tmp_path / name)


@pytest.mark.parametrize("name", ["labels.tif", "labels.png"])
def test_a_file_that_is_cut_off_anywhere_raises_nothing(
    name: str, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / name)
    content = (tmp_path / name).read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut").write_bytes(content[:length])
        is_own_file(tmp_path / "cut")
    assert not is_own_file(tmp_path / "missing")
    assert not is_own_file(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        b"MM\0*" + struct.pack(">IH", 8, 0xFFFF),
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 0, b"tEXt") * 500,
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 0xFFFFFFFF, b"tEXt") * 500,
        b"II*\0" + struct.pack("<IHHHII", 8, 1, 305, 2, 90, 0xFFFFFFF0),
    ],
)
def test_headers_that_lead_nowhere_raise_nothing(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "odd").write_bytes(content)
    assert not is_own_file(tmp_path / "odd")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path: Path = tmp_path / "a.png"
    os.mkfifo(path)
    assert not is_own_file(path)
