from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.files.truncation import check_jpeg

if TYPE_CHECKING:
    from numpy.typing import NDArray

GREY = np.random.default_rng(0).integers(0, 256, (203, 301), dtype=np.uint8)
COLOURS = np.random.default_rng(0).integers(0, 256, (203, 301, 3), dtype=np.uint8)
KINDS: dict[str, tuple[Image.Image, dict[str, Any]]] = {
    "grey": (Image.fromarray(GREY), {}),
    "colour": (Image.fromarray(COLOURS), {}),
    "colour in full": (Image.fromarray(COLOURS), {"subsampling": 0}),
    "with restarts": (Image.fromarray(COLOURS), {"restart_marker_blocks": 5}),
    "progressive grey": (Image.fromarray(GREY), {"progressive": True}),
    "progressive colour": (Image.fromarray(COLOURS), {"progressive": True}),
    "CMYK": (Image.fromarray(COLOURS).convert("CMYK"), {}),
}


def encode(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.5, 0.8])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_a_part_of_a_jpeg_is_refused(kind: str, part: float, end: bytes) -> None:
    image, options = KINDS[kind]
    whole = encode(image, **options)
    assert read_image(whole, "a.jpg").shape[:2] == GREY.shape
    with pytest.raises(ImageError, match=r"a\.jpg"):
        read_image(whole[: int(len(whole) * part)] + end, "a.jpg")


@pytest.mark.parametrize("end", [b"", b"something after the end", b"\0" * 5000])
def test_what_follows_a_jpeg_does_no_harm(end: bytes) -> None:
    whole = encode(Image.fromarray(COLOURS), progressive=True)
    assert read_image(whole + end, "a.jpg").shape == COLOURS.shape


@pytest.mark.parametrize("value", [0, 127, 128, 255])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("shape", [(8, 8), (1, 1), (700, 1300)])
def test_a_blank_jpeg_is_whole(
    value: int, progressive: bool, shape: tuple[int, int]
) -> None:
    blank = Image.fromarray(np.full(shape, value, np.uint8))
    content = encode(blank, progressive=progressive, optimize=True)
    assert np.all(read_image(content, "a.jpg") == value)


@pytest.mark.parametrize("side", [800, 13_000, 65_500])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_header_that_announces_more_is_refused(side: int, progressive: bool) -> None:
    content = bytearray(encode(Image.new("L", (64, 64), 90), progressive=progressive))
    start = content.find(b"\xff\xc2" if progressive else b"\xff\xc0")
    content[start + 5 : start + 9] = struct.pack(">HH", side, side)
    with pytest.raises(ImageError, match=r"a\.jpg"):
        read_image(bytes(content), "a.jpg")


def test_a_jpeg_that_nothing_can_confirm_is_checked_by_its_last_row() -> None:
    def check(content: bytes) -> NDArray[np.uint8]:
        pixels = np.asarray(Image.open(io.BytesIO(content)))
        check_jpeg(content, pixels, "a.jpg", is_progressive=False, most_pixels=0)
        return pixels

    whole = encode(Image.fromarray(GREY))
    assert check(whole).shape == GREY.shape
    with pytest.raises(ImageError, match="of which a part is missing"):
        check(whole[: len(whole) // 2] + b"\xff\xd9")


def png(raw: bytes, width: int, height: int, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    chunks = (b"IHDR" + header, b"IDAT" + zlib.compress(raw), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


@pytest.mark.parametrize("interlaced", [0, 1])
def test_a_png_with_too_few_rows_is_refused(interlaced: int) -> None:
    raw = (b"\0" + b"\7" * 64) * 48
    sizes = {0: 48 * 65, 1: 48 * 64 + 6 + 6 + 6 + 12 + 12 + 24 + 24}
    black = png(bytes(sizes[interlaced]), 64, 48, interlaced)
    assert not read_image(black, "a.png").any()
    for n_rows in (1, 20, 47):
        with pytest.raises(ImageError, match=r"a\.png"):
            read_image(png(raw[: n_rows * 65], 64, 48, interlaced), "a.png")


def test_the_missing_rows_of_a_png_are_counted() -> None:
    raw = (b"\0" + b"\7" * 64) * 20
    message = r"the 3,120 bytes .* of a\.png announces\. Received: 1,300\."
    with pytest.raises(ImageError, match=message):
        read_image(png(raw, 64, 48), "a.png")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_black_png_is_whole(mode: str) -> None:
    content = encode(Image.new(mode, (37, 23)), "PNG")
    assert not read_image(content, "a.png")[..., :1].any()


def tiff_with_short_strip(keeps_half: bool, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image: NDArray[np.uint8] = np.kron(GREY[:32, :32], np.ones((8, 8), np.uint8))
    tifffile.imwrite(buffer, image, rowsperstrip=64, metadata=None, **options)
    content = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        page = tiff.pages.first
        tag, n_bytes = page.tags["StripByteCounts"], page.databytecounts[-1]
    layout = {3: "<H", 4: "<I"}[tag.dtype]
    place = tag.valueoffset + struct.calcsize(layout) * (tag.count - 1)
    struct.pack_into(layout, content, place, n_bytes // 2 if keeps_half else 0)
    return bytes(content)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "jpeg"])
@pytest.mark.parametrize("keeps_half", [False, True])
def test_a_strip_that_is_cut_off_is_refused(
    compression: str | None, keeps_half: bool
) -> None:
    content = tiff_with_short_strip(keeps_half, compression=compression)
    with pytest.raises(ImageError, match=r"a\.tif"):
        read_image(content, "a.tif")


def test_jpeg_xl_is_there_to_ask() -> None:
    assert imagecodecs.JPEGXL.available
