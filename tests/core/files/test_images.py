from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files import images as image_files
from napari_unet_nuclei.core.files.images import (
    find_images,
    read_image,
    read_stored_image,
)

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

SIDES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)
GREY = st.sampled_from(["u1", "u2"]).flatmap(lambda dtype: hnp.arrays(dtype, SIDES))
COLOUR = st.sampled_from([3, 4]).flatmap(
    lambda channels: hnp.arrays("u1", SIDES.map(lambda shape: (*shape, channels)))
)

PHOTO = np.arange(12, dtype=np.uint8).reshape(3, 4)


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


@settings(deadline=None)
@given(GREY | COLOUR)
def test_png_comes_back_as_it_was_saved(image: Any) -> None:
    png = encode(Image.fromarray(image), "PNG")
    pixels = read_image(png, "image.png")
    assert pixels.dtype == image.dtype
    np.testing.assert_array_equal(pixels, image)


@settings(deadline=None)
@given(hnp.arrays(st.sampled_from(["u1", ">u2", "i4", "f4"]), SIDES, fill=st.just(1)))
def test_tiff_comes_back_as_it_was_saved(image: Any) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, image, photometric="minisblack")
    pixels = read_image(file.getvalue(), "image.tif")
    assert pixels.dtype == image.dtype.newbyteorder("=")
    np.testing.assert_array_equal(pixels, image)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colour_tiff_has_channels_last(planar: str) -> None:
    image = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    stored = image if planar == "contig" else np.moveaxis(image, -1, 0)
    file = io.BytesIO()
    tifffile.imwrite(file, stored, photometric="rgb", planarconfig=planar)
    np.testing.assert_array_equal(read_image(file.getvalue(), "a.tiff"), image)


def test_tiff_stack_keeps_its_planes() -> None:
    stack = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
    file = io.BytesIO()
    tifffile.imwrite(file, stack, photometric="minisblack")
    np.testing.assert_array_equal(read_image(file.getvalue(), "a.tif"), stack)


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("1", 1, 255),
        ("LA", (7, 9), 7),
        ("CMYK", (0, 0, 0, 0), [255, 255, 255]),
    ],
)
def test_unusual_pixel_modes_become_grey_or_colour(
    mode: str, value: int | tuple[int, ...], expected: int | list[int]
) -> None:
    file_format = "JPEG" if mode == "CMYK" else "PNG"
    image = encode(Image.new(mode, (2, 2), value), file_format)
    pixels = read_image(image, f"image.{file_format.lower()}")
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == expected


def test_colours_of_a_palette_are_looked_up() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    pixels = read_image(encode(image, "PNG"), "image.png")
    assert pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]


def test_the_indices_of_a_palette_can_be_had() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30])
    image.putdata([2, 0, 1])
    png = encode(image, "PNG", transparency=b"\0\xff\xff")
    indices = read_image(png, "labels.png", as_shown=False)
    assert indices.tolist() == [[2, 0, 1]]


def test_a_palette_that_is_too_short_is_black_at_its_end() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([10, 20, 30])
    png = bytearray(encode(image, "PNG", bits=8))
    assert read_image(bytes(png), "a.png").tolist() == [[[10, 20, 30]] * 2]
    short = Image.new("P", (1, 1), 7)
    short.putpalette([10, 20, 30])
    assert read_image(encode(short, "PNG", bits=8), "a.png").tolist() == [[0]]


def test_a_palette_of_greys_gives_a_grey_image() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 255, 255, 0, 0, 0])
    image.putpixel((1, 0), 1)
    assert read_image(encode(image, "PNG"), "image.png").tolist() == [[255, 0]]


@pytest.mark.parametrize("suffix", ["png", "JPG", "bmp", "TIF"])
def test_files_are_read_by_path_whatever_the_case_of_the_suffix(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"image.{suffix}"
    Image.new("L", (4, 3), 200).save(path)
    np.testing.assert_array_equal(read_image(path), np.full((3, 4), 200))
    np.testing.assert_array_equal(read_image(str(path)), np.full((3, 4), 200))


def test_the_pixels_can_be_written_to() -> None:
    assert read_image(encode(Image.new("L", (2, 2)), "PNG"), "a.png").flags.writeable


@pytest.mark.parametrize("name", ["movie.avi", "frames.gif", "no suffix", None])
def test_other_formats_are_refused(name: str | None) -> None:
    received = name or "an image without a name"
    reason = rf"Expected .*Received: {received}, which is empty\. Save"
    with pytest.raises(ImageError, match=reason):
        read_image(b"", name)


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        (b"Dear colleague,\nhere are the pixels", "holds text"),
        ("Über Kerne".encode(), "holds text"),
        (encode(Image.new("L", (4, 4)), "GIF"), "holds a GIF"),
        (b"RIFF....WEBP", "holds a RIFF file such as WebP"),
        (b"PK\3\4....", "holds a zip"),
        (b"%PDF-1.7", "holds a PDF"),
        (b"\x89HDF\r\n", "holds an HDF5 file"),
        (b"", "is empty"),
        (bytes(range(40)), "begins with the bytes 00 01 02 03 04 05 06 07"),
    ],
)
@pytest.mark.parametrize("name", ["image.png", "image.tif", "image.jpeg"])
def test_what_is_no_image_is_named_for_what_it_is(
    name: str, content: bytes, evidence: str
) -> None:
    reason = f"content of a PNG, .*Received: {name}, which {evidence}. Save"
    with pytest.raises(ImageError, match=reason):
        read_image(content, name)


@pytest.mark.parametrize("name", ["image.png", "image.tif", "image.bmp"])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP"])
def test_a_wrong_suffix_does_no_harm(
    tmp_path: Path, name: str, file_format: str
) -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = encode(Image.fromarray(image), file_format)
    (tmp_path / name).write_bytes(content)
    np.testing.assert_array_equal(read_image(content, name), image)
    np.testing.assert_array_equal(read_image(tmp_path / name), image)


@pytest.mark.parametrize(
    "name", ["photo", "photo.jpe", "a.lsm", "a.czi", "a.txt", None]
)
def test_content_decides_and_not_the_suffix(tmp_path: Path, name: str | None) -> None:
    content = encode(Image.fromarray(PHOTO), "PNG")
    np.testing.assert_array_equal(read_image(content, name), PHOTO)


@pytest.mark.parametrize("name", ["a.mrxs", "b.VSI"])
def test_a_preview_is_not_taken_for_the_image(name: str) -> None:
    content = encode(Image.fromarray(PHOTO), "TIFF")
    with pytest.raises(ImageError, match=rf"Received: {name}, whose pixels lie in fi"):
        read_image(content, name)


@pytest.mark.parametrize("level", [None, 1])
@pytest.mark.parametrize("n_channels", [2, 3, 4])
def test_channels_of_a_png_keep_their_sixteen_bits(
    tmp_path: Path, n_channels: int, level: int | None
) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 65536, (5, 7, n_channels), np.uint16)
    content = imagecodecs.png_encode(image, level=level)
    (tmp_path / "a.png").write_bytes(content)
    expected = image[..., 0] if n_channels == 2 else image
    for source in (content, tmp_path / "a.png"):
        pixels = read_image(source, "a.png")
        assert pixels.dtype == np.uint16
        np.testing.assert_array_equal(pixels, expected)
        assert pixels.flags.writeable


def test_a_cut_png_of_sixteen_bits_is_refused() -> None:
    image = np.random.default_rng(0).integers(0, 65536, (50, 70, 3), np.uint16)
    content = imagecodecs.png_encode(image)
    for length in range(30, len(content) - 20, len(content) // 9):
        with pytest.raises(ImageError, match=r"Received: a\.png"):
            read_image(content[:length], "a.png")


@pytest.mark.parametrize(
    ("mode", "file_format", "axes"),
    [
        ("L", "PNG", "YX"),
        ("I;16", "PNG", "YX"),
        ("LA", "PNG", "YX"),
        ("RGB", "BMP", "YXS"),
        ("RGBA", "PNG", "YXS"),
        ("CMYK", "JPEG", "YXS"),
    ],
)
def test_pictures_say_whether_they_are_in_colour(
    mode: str, file_format: str, axes: str
) -> None:
    stored = read_stored_image(encode(Image.new(mode, (5, 4)), file_format))
    assert stored.axes == axes
    assert stored.calibration.sizes == {}


def test_a_turned_photograph_stays_as_it_is_stored() -> None:
    image = Image.fromarray(PHOTO)
    exif = Image.Exif()
    exif[274] = 6
    content = encode(image, "JPEG", exif=exif)
    assert read_image(content, "a.jpg").shape == PHOTO.shape


def test_a_picture_is_the_only_one_in_its_file() -> None:
    content = encode(Image.fromarray(PHOTO), "PNG")
    assert read_stored_image(content, "a.png", series=0).axes == "YX"
    with pytest.raises(ImageError, match=r"images in a\.png, .*Received: number 1,"):
        read_stored_image(content, "a.png", series=1)


def test_a_header_that_is_cut_off_is_named() -> None:
    with pytest.raises(ImageError, match=r"complete header. Received: a\.png, whose"):
        read_image(encode(Image.new("L", (4, 4)), "PNG")[:30], "a.png")


def test_a_folder_called_like_an_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageError, match=r"Received: .*a\.png, which is a folder or a"):
        read_image(tmp_path / "a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert find_images(tmp_path) == []
    with pytest.raises(ImageError, match=r"Received: .*a\.png, which is a folder or a"):
        read_image(tmp_path / "a.png")


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageError, match=r"a\.png \(PermissionError: .*not permitted"):
        read_image(tmp_path / "a.png")


def refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_a_name_that_is_too_long_is_named() -> None:
    with pytest.raises(ImageError, match=r"n{300}\.png \(OSError: .*too long"):
        read_image("n" * 300 + ".png")


def test_an_image_that_does_not_fit_into_memory_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 40 GiB")

    monkeypatch.setattr(image_files, "read_tiff", fail)
    with pytest.raises(ImageError, match=r"into memory. Received: a\.tif \(Unable"):
        read_image(encode(Image.new("L", (4, 4)), "TIFF"), "a.tif")


def test_an_animation_is_refused() -> None:
    frames = [Image.new("L", (4, 4), value) for value in (0, 99, 200)]
    png = encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match=r"Received: a\.png, an animation of 3 pict"):
        read_image(png, "a.png")


def test_a_header_alone_is_refused_before_room_is_made() -> None:
    picture = encode(Image.new("RGB", (1, 1)), "BMP")
    size = struct.pack("<ii", 12_000, 12_000)
    with pytest.raises(ImageError, match=r"header of a\.bmp .*12,000 × 12,000 × 3\. "):
        read_image(picture[:18] + size + picture[26:], "a.bmp")


@pytest.mark.parametrize("array", [np.zeros((0, 5), "u1"), np.zeros((4, 5), "c8")])
@pytest.mark.filterwarnings("ignore:.*writing zero-size array")
def test_what_has_no_usable_pixels_is_refused(array: NDArray[Any]) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, array)
    with pytest.raises(ImageError, match=r"at least one pixel. Received: a\.tif of sh"):
        read_image(file.getvalue(), "a.tif")


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize("compression", [None, "tiff_deflate"])
def test_a_cut_file_is_refused_or_lacks_nothing(
    file_format: str, compression: str | None
) -> None:
    image = np.random.default_rng(0).integers(0, 255, (24, 40), np.uint8)
    content = encode(Image.fromarray(image), file_format, compression=compression)
    n_refused = 0
    for length in range(0, len(content), 7):
        try:
            pixels = read_image(content[:length], "image.png")
        except ImageError:
            n_refused += 1
        else:
            np.testing.assert_array_equal(pixels, image)
    assert n_refused > len(content) // 10


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.png \(FileNotFoundError"):
        read_image(tmp_path / "none.png")


@settings(deadline=None)
@given(st.data())
def test_no_damage_to_a_file_gets_past_the_error(data: Any) -> None:
    name = data.draw(st.sampled_from(["image.png", "image.jpg", "image.tif"]))
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16), np.uint8)
    file_format = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}[name[-3:]]
    content = bytearray(encode(Image.fromarray(pixels), file_format))
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] = data.draw(st.integers(0, 255))
    stop = data.draw(st.integers(1, len(content)))
    try:
        read_image(bytes(content[:stop]), name)
    except ImageError as error:
        assert name in str(error)  # noqa: PT017 - damage need not be noticed


def test_images_too_large_for_pillow_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    png = encode(Image.new("L", (8, 8)), "PNG")
    with pytest.raises(
        ImageError, match=r"Received: big\.png \(.*large images as TIFF"
    ):
        read_image(png, "big.png")


def test_images_of_a_folder_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.TIF", "c.jpg", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in find_images(tmp_path)] == ["a.TIF", "b.png", "c.jpg"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ImageError, match=r"Expected a folder of images. Received: .*no"
    ):
        find_images(tmp_path / "no")
