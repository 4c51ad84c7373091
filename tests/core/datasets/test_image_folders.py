from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.batch.inputs import find_inputs
from napari_unet_nuclei.core.datasets.image_folders import list_folder
from napari_unet_nuclei.core.errors import DatasetError, ImageError
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def names(paths: Any) -> Any:
    return [path.name for path in paths]


def write(path: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file_format = {".png": "PNG", ".jpe": "JPEG", ".jfif": "JPEG", ".dib": "BMP"}
    if path.suffix in file_format:
        Image.fromarray(PIXELS).save(path, file_format[path.suffix])
    else:
        tifffile.imwrite(path, PIXELS)


@pytest.mark.parametrize(
    "suffix",
    [
        *(".tif", ".stk", ".lsm", ".qptiff", ".btf", ".tf2", ".tf8", ".scn", ".svs"),
        *(".jfif", ".jpe", ".dib", ".png", ".PNG", ".gel", ".flex", ".dat", ""),
    ],
)
def test_whatever_holds_an_image_is_one(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}")
    (image,) = find_inputs([tmp_path])
    assert image.name == "a"
    assert image.read().pixels.shape == PIXELS.shape
    (image,) = find_inputs([tmp_path / f"a{suffix}"])
    assert image.read().pixels.shape == PIXELS.shape


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.npy", b"\x93NUMPY\1\0", "holds a NumPy array"),
        ("a.npz", b"PK\3\4\0\0", "holds a zip"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "holds an HDF5 file"),
        ("a.czi", b"ZISRAWFILE\0", "holds a CZI"),
        ("a.nd2", b"\xda\xce\xbe\x0a\0", "holds an ND2"),
        ("a.gif", b"GIF89a", "holds a GIF"),
        ("a.pdf", b"%PDF-1.7\n%\xe2\xe3\0", "holds a PDF"),
        ("a.nrrd", b"NRRD0004\ntype: short\n", "holds an NRRD"),
        ("a.fits", b"SIMPLE  =  T" + b" " * 2000, "holds a FITS"),
        ("a.pgm", b"P5\n4 3\n255\n", "holds text"),
        ("a.raw", bytes(range(64)), "begins with the bytes 00 01"),
        ("a.tif", b"", "is empty"),
        ("a.png", b"Dear colleague", "holds text"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(
    tmp_path: Path, name: Any, content: Any, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    write(tmp_path / "good.tif")
    for image in find_inputs([tmp_path]):
        if image.name == "good":
            continue
        with pytest.raises(ImageError, match=rf"Received: .*{name}, which {reason}"):
            image.read()
    assert len(find_inputs([tmp_path])) == 2


def test_a_folder_of_chunks_is_named(tmp_path: Path) -> None:
    (tmp_path / "plate.ome.zarr").mkdir()
    write(tmp_path / "good.tif")
    good, image = find_inputs([tmp_path])
    (alone,) = find_inputs([tmp_path / "plate.ome.zarr"])
    assert (good.name, image.name) == ("good", str(tmp_path / "plate.ome.zarr"))
    for each in image, alone:
        with pytest.raises(ImageError, match=r"plate\.ome\.zarr, a folder of the kind"):
            each.read()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"no image"),
        ("table.csv", "größe;1\n".encode("latin-1")),
        ("table.tsv", "a\tb\r\n".encode("utf-16")),
        ("README", b"# read me"),
        ("page.html", b"<html>"),
        ("log", b"\x1b[31mred\x1b[0m"),
        ("BMP-notes.md", b"BM is how a bitmap begins"),
        ("empty.lock", b""),
        (".hidden.png", b"\x89PNG"),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0\0"),
        (".DS_Store", b"\0\0\0\1Bud1"),
        ("mine.unetnuclei", b"PK\3\4\0\0"),
    ],
)
def test_what_is_no_image_is_passed_over(
    tmp_path: Path, name: Any, content: Any
) -> None:
    (tmp_path / name).write_bytes(content)
    contents = list_folder(tmp_path)
    assert contents.images == contents.others == contents.sub_folders == ()


def test_our_own_results_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write_labels_tiff(tmp_path / "a.tif", PIXELS)
    write_labels_png(tmp_path / "a_masks.png", PIXELS)
    assert [image.name for image in find_inputs([tmp_path])] == ["a"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b")
    os.symlink(tmp_path / "nowhere.tif", tmp_path / "c.tif")
    contents = list_folder(tmp_path)
    assert contents.images == contents.others == ()


def test_what_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.tif")
    (tmp_path / "b.dat").write_bytes(b"\0")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "open", refuse)
    contents = list_folder(tmp_path)
    assert names(contents.images + contents.others) == ["a.tif", "b.dat"]


def test_sub_folders_with_images_are_said(tmp_path: Path) -> None:
    write(tmp_path / "a.tif")
    for number in range(7):
        write(tmp_path / f"day{number}" / "b.png")
    (tmp_path / "empty").mkdir()
    assert names(list_folder(tmp_path).images) == ["a.tif"]
    sentences = []
    find_inputs([tmp_path], say=sentences.append)
    (sentence,) = sentences
    assert "not entered: day0, day1, day2, day3, day4 and 2 more. Name" in sentence
    find_inputs([tmp_path / "day1"], say=sentences.append)
    assert sentences == [sentence]


def test_two_files_of_one_name_are_refused_as_they_are_both_read(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.jpe")
    write(tmp_path / "a.tif")
    with pytest.raises(DatasetError, match="two called 'a'"):
        find_inputs([tmp_path])


def write_series(path: Any, n_series: Any = 3) -> None:
    with tifffile.TiffWriter(path, ome=".ome" in path.name) as writer:
        for number in range(n_series):
            image = np.full((9, 10 + number), number, np.uint8)
            writer.write(image, metadata={"axes": "YX"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.tif", ["a_s0", "a_s1", "a_s2"]),
        ("a.ome.tif", ["a_s0.ome", "a_s1.ome", "a_s2.ome"]),
    ],
)
def test_all_images_of_a_file_have_names_of_their_own(
    tmp_path: Path, name: Any, expected: Any
) -> None:
    write_series(tmp_path / name)
    write(tmp_path / "b.png")
    images = find_inputs([tmp_path], series="all")
    assert [image.name for image in images] == [*expected, "b"]
    for number, image in enumerate(images[:-1]):
        stored = image.read()
        assert np.all(stored.pixels == number)
        assert stored.notes == ()
    write(tmp_path / f"{expected[1]}.png")
    with pytest.raises(DatasetError, match=f"two called '{expected[1]}'"):
        find_inputs([tmp_path], series="all")


def test_one_image_of_a_file_can_be_chosen(tmp_path: Path) -> None:
    write_series(tmp_path / "a.tif")
    (largest,) = find_inputs([tmp_path])
    (first,) = find_inputs([tmp_path], series=0)
    (fourth,) = find_inputs([tmp_path], series=3)
    assert (largest.name, first.name) == ("a", "a")
    assert largest.read().pixels.shape == (9, 12)
    assert first.read().pixels.shape == (9, 10)
    with pytest.raises(ImageError, match=r"3 images in .*a\.tif, .* number 3"):
        fourth.read()
