from __future__ import annotations

import io
import struct
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.files.palettes import apply_palette

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

GREY = np.arange(8 * 40, dtype=np.uint8).reshape(8, 40)
LENGTH, BYTE_COUNTS = 257, 279  # codes of tags
COMPRESSIONS = pytest.mark.parametrize("compression", [None, "zlib", "lzw"])


def encode(array: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def convert(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "TIFF", **options)
    return file.getvalue()


def set_tags(content: bytes, **values: int) -> bytes:
    """Give tags of the first page another single value, little-endian."""
    changed = bytearray(content)
    (page,) = struct.unpack_from("<I", content, 4)
    (n_tags,) = struct.unpack_from("<H", content, page)
    for entry in range(page + 2, page + 2 + 12 * n_tags, 12):
        (code,) = struct.unpack_from("<H", content, entry)
        if f"tag{code}" in values:
            struct.pack_into("<HII", changed, entry + 2, 4, 1, values[f"tag{code}"])
    return bytes(changed)


@pytest.mark.parametrize(
    "compression", ["zlib", "lzw", "packbits", "zstd", "lzma", "jpeg2000"]
)
def test_compressed_files_are_read(compression: str) -> None:
    content = encode(GREY, compression=compression)
    np.testing.assert_array_equal(read_image(content, "a.tif"), GREY)


def test_twelve_bits_in_sixteen_keep_their_values() -> None:
    image = np.arange(0, 4095, 13, dtype=np.uint16).reshape(5, 63)
    np.testing.assert_array_equal(read_image(encode(image), "a.tif"), image)


def test_packed_bits_become_whole_numbers() -> None:
    """Twelve bits a pixel, two pixels in three bytes."""
    image = np.array([[0x123, 0xABC], [0xFFF, 0x001]], np.uint16)
    packed = bytes.fromhex("123abcfff001")
    content = encode(image, byteorder=">", metadata=None)
    content = content.replace(image.astype(">u2").tobytes(), packed + b"\0\0")
    changed = bytearray(content)
    (page,) = struct.unpack_from(">I", content, 4)
    for entry in range(page + 2, page + 2 + 12 * 16, 12):
        (code,) = struct.unpack_from(">H", content, entry)
        if code == 258:  # bits per sample
            struct.pack_into(">H", changed, entry + 8, 12)
        if code == BYTE_COUNTS:
            kind = ">H" if content[entry + 3] == 3 else ">I"
            struct.pack_into(kind, changed, entry + 8, len(packed))
    np.testing.assert_array_equal(read_image(bytes(changed), "a.tif"), image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cmyk_becomes_rgb(dtype: type[Any]) -> None:
    largest = np.iinfo(dtype).max
    inks = np.array([[[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]], dtype)
    expected = np.array([[[1, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]]], dtype)
    content = encode(inks * largest, photometric="separated")
    pixels = read_image(content, "a.tif")
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, expected * largest)


def test_cmyk_agrees_with_pillow() -> None:
    inks = np.random.default_rng(0).integers(0, 256, (9, 9, 4), np.uint8)
    image = Image.fromarray(inks, "CMYK")
    pixels = read_image(convert(image), "a.tif").astype(int)
    assert np.abs(pixels - np.asarray(image.convert("RGB"))).max() <= 1


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_one_bit_a_pixel_is_black_and_white(file_format: str) -> None:
    mask = GREY % 3 == 0
    file = io.BytesIO()
    Image.fromarray(mask).save(file, file_format)
    pixels = read_image(file.getvalue(), "a.png")
    np.testing.assert_array_equal(pixels > 0, mask)


def test_palettes_are_looked_up() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    content = convert(image)
    assert read_image(content, "a.tif").tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert read_image(content, "a.tif", as_shown=False).tolist() == [[0, 1]]


@pytest.mark.parametrize("scale", [1, 256])
def test_grey_palettes_give_grey_images(scale: int) -> None:
    greys = np.tile(np.arange(256)[::-1] * scale, (3, 1)).astype(np.uint16)
    content = encode(GREY, photometric="palette", colormap=greys)
    np.testing.assert_array_equal(read_image(content, "a.tif"), 255 - GREY)


def test_palettes_of_stacks_are_looked_up() -> None:
    colours = np.zeros((3, 256), np.uint16)
    colours[0, 1] = 200 * 256
    stack = np.array([[[0, 1]], [[1, 1]]], np.uint8)
    content = encode(stack, photometric="palette", colormap=colours)
    pixels = read_image(content, "a.tif")
    assert pixels.shape == (2, 1, 2, 3)
    assert pixels[..., 0].tolist() == [[[0, 200]], [[200, 200]]]


def test_palettes_of_one_bit_are_looked_up() -> None:
    palette = np.array([[9, 9, 9], [200, 0, 0]], np.uint8)
    pixels = apply_palette(np.array([[False, True]]), palette, as_shown=True)
    assert pixels.tolist() == [[[9, 9, 9], [200, 0, 0]]]


def test_the_lookup_tables_of_imagej_are_only_for_show() -> None:
    table = np.zeros((3, 256), np.uint8)
    table[2] = np.arange(256)
    content = encode(GREY, imagej=True, colormap=table.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(content, "a.tif"), GREY)
    content = encode(GREY, imagej=True, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(content, "a.tif"), GREY)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_where_zero_is_white_it_is_shown_bright(dtype: type[Any]) -> None:
    image = (GREY % 2).astype(dtype)
    content = encode(image, photometric="miniswhite")
    pixels = read_image(content, "a.tif")
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, np.iinfo(dtype).max - image)
    np.testing.assert_array_equal(read_image(content, "a.tif", as_shown=False), image)


def test_masks_of_one_bit_come_back_from_tifffile() -> None:
    """It says that zero is white and stores zero where nothing is."""
    np.testing.assert_array_equal(read_image(encode(GREY > 9), "a.tif"), GREY > 9)


def test_the_alpha_channel_of_grey_is_dropped() -> None:
    image = Image.merge("LA", [Image.fromarray(GREY), Image.new("L", (40, 8), 9)])
    np.testing.assert_array_equal(read_image(convert(image), "a.tif"), GREY)


def test_a_second_channel_is_kept() -> None:
    both = np.stack([GREY, GREY], axis=-1)
    content = encode(both, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(read_image(content, "a.tif"), both)


def test_inks_that_are_no_whole_numbers_are_refused() -> None:
    content = encode(np.zeros((4, 4, 4), np.float32), photometric="separated")
    with pytest.raises(ImageError, match=r"a\.tif with SEPARATED colours"):
        read_image(content, "a.tif")


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
def test_rare_colours_are_refused(mode: str) -> None:
    content = convert(Image.new(mode, (4, 4), (200, 10, 10)))
    with pytest.raises(ImageError, match=rf"(?i)a\.tif with (cie)?{mode} colours"):
        read_image(content, "a.tif")


def test_the_colours_of_jpeg_are_not_rare() -> None:
    content = convert(Image.new("RGB", (16, 16), (200, 10, 10)), compression="jpeg")
    assert np.abs(read_image(content, "a.tif").astype(int) - (200, 10, 10)).max() < 4


@COMPRESSIONS
@pytest.mark.parametrize("tags", [{}, {"tag278": 60_000}, {"tag273": 0, "tag279": 0}])
def test_a_header_alone_is_refused_before_room_is_made(
    compression: str | None, tags: dict[Any, Any]
) -> None:
    content = encode(GREY, compression=compression, metadata=None)
    content = set_tags(content, tag256=60_000, tag257=60_000, **tags)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match=r"header of big\.tif .*60,000 × 60,000"):
            read_image(content, "big.tif")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("metadata", [None, {}])
def test_a_negative_length_is_refused(metadata: dict[Any, Any] | None) -> None:
    """Tifffile looks for pages forever where it has written a description itself."""
    content = encode(GREY, metadata=metadata)
    changed = bytearray(content)
    entry = content.index(struct.pack("<HHI", LENGTH, 4, 1))
    struct.pack_into("<HIi", changed, entry + 2, 9, 1, -1)  # a signed number
    with pytest.raises(
        ImageError, match=r"Received: a\.tif, whose header says -1 × 40"
    ):
        read_image(bytes(changed), "a.tif")


def test_a_huge_tile_is_refused_before_room_is_made() -> None:
    content = encode(GREY, tile=(16, 16), compression="zlib", metadata=None)
    content = set_tags(content, tag322=65_520, tag323=65_520)
    with pytest.raises(ImageError, match=r"header of a\.tif announces"):
        read_image(content, "a.tif")


@COMPRESSIONS
def test_missing_strips_are_not_taken_for_black(compression: str | None) -> None:
    content = encode(GREY, compression=compression, rowsperstrip=2, metadata=None)
    content = set_tags(content, tag257=GREY.shape[0] + 200)
    reason = (
        r"(Expected 104 strips or tiles a page in a\.tif. Received: 4)|"
        r"(readable image file. Received: a\.tif \(.*failed to read)"
    )
    with pytest.raises(ImageError, match=reason):
        read_image(content, "a.tif")


def test_missing_tiles_are_not_taken_for_black() -> None:
    content = encode(GREY, tile=(16, 16), compression="zlib", metadata=None)
    content = set_tags(content, tag257=200)
    with pytest.raises(ImageError, match=r"39 strips or tiles .* a\.tif. Received: 3"):
        read_image(content, "a.tif")


@COMPRESSIONS
def test_missing_pages_are_not_left_out(compression: str | None) -> None:
    stack = np.stack([GREY + value for value in range(6)])
    content = encode(stack, compression=compression, metadata=None)
    np.testing.assert_array_equal(read_image(content, "a.tif"), stack)
    reasons = []
    for length in range(300, len(content), 50):
        try:
            pixels = read_image(content[:length], "a.tif")
        except ImageError as error:
            reasons.append(str(error))
        else:  # what lacks describes no pixels
            np.testing.assert_array_equal(pixels, stack)
    assert len(reasons) > len(content) // 80
    assert any("all pages of a.tif. Received: " in reason for reason in reasons)


@pytest.mark.parametrize("bigtiff", [False, True])
def test_pages_that_lead_round_in_a_circle_are_refused(bigtiff: bool) -> None:
    stack = np.stack([GREY] * 7)
    content = encode(stack, metadata=None, bigtiff=bigtiff)
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        layout, offsets = tiff.tiff, [page.offset for page in tiff.pages]
    changed = bytearray(content)
    last = struct.pack(layout.offsetformat, offsets[6])
    assert content.count(last) == 1
    start = content.index(last)
    changed[start : start + len(last)] = struct.pack(layout.offsetformat, offsets[3])
    with pytest.raises(
        ImageError, match=r"all pages of a\.tif. Received: 6, after whi"
    ):
        read_image(bytes(changed), "a.tif")


def test_pages_that_the_header_promises_are_missed(tmp_path: Path) -> None:
    """OME-TIFF says how many planes there are."""
    stack = np.stack([GREY, GREY])
    content = encode(
        stack, ome=True, photometric="minisblack", metadata={"axes": "ZYX"}
    )
    content = content.replace(b'SizeZ="2"', b'SizeZ="3"')
    content = content.replace(b'PlaneCount="2"', b'PlaneCount="3"')
    with pytest.raises(ImageError, match=r"3 pages of a\.ome\.tif.* Received: 2\."):
        read_image(content, "a.ome.tif")


def test_stacks_of_imagej_are_read_and_missed(tmp_path: Path) -> None:
    """ImageJ describes large stacks by a single page and a number."""
    stack = np.stack([GREY] * 5)
    content = encode(stack, imagej=True)
    np.testing.assert_array_equal(read_image(content, "a.tif"), stack)
    with pytest.raises(ImageError, match=r"all pages of a\.tif. Received: 1, after"):
        read_image(content[: len(content) // 2], "a.tif")


def test_big_files_are_read_too() -> None:
    stack = np.stack([GREY, GREY])
    content = encode(stack, bigtiff=True, byteorder=">")
    np.testing.assert_array_equal(read_image(content, "a.tif"), stack)
