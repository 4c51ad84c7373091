"""Every way in which real data sets are broken, and the sentence that answers it.

Each case damages one of two samples of a DSB2018 data set, read as a folder and as
a zip; the other must be read as if nothing was wrong.  Details are tested with the
module that answers.
"""

from __future__ import annotations

import io
import shutil
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.opening import open_samples, read_good_samples
from napari_unet_nuclei.core.errors import DatasetError, ImageError, UNetNucleiError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import SampleSource

IMAGE = np.random.default_rng(0).integers(0, 255, (24, 32), np.uint8)
LABELS = np.zeros(IMAGE.shape, np.int32)
LABELS[2:9, 3:12] = 1
LABELS[12:20, 15:28] = 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Data set of the samples ``bad``, to be damaged, and ``good``."""
    path = tmp_path / "stage1_train"
    for sample_id in ("bad", "good"):
        write_dsb2018_sample(path, sample_id, IMAGE, LABELS)
    return path


def pack(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder.parent, folder.name))


@pytest.fixture(params=["folder", "zip"])
def open_again(request: pytest.FixtureRequest) -> Callable[[Path], SampleSource]:
    """Open the damaged folder as it is, or packed."""
    if request.param == "folder":
        return open_samples
    return lambda folder: open_samples(pack(folder))


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def tiff(array: NDArray[np.generic], **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Grey pixels, as a PNG says it, and not one of them."""
    header = b"IHDR" + struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, b"IDAT", b"IEND")
    )


def tiff_header(side: int) -> bytes:
    """Grey pixels, as a compressed TIFF says it, and none of them."""
    content = tiff(np.zeros((8, 8), np.uint8), compression="zlib", metadata=None)
    changed = bytearray(content)
    for entry in range(10, 10 + 12 * 9, 12):
        (code,) = struct.unpack_from("<H", content, entry)
        if code in (256, 257) or (code == 278 and side):  # rows in a strip
            struct.pack_into("<HII", changed, entry + 2, 4, 1, side)
        if code in (273, 279):  # where the strip is, and its size
            struct.pack_into("<I", changed, entry + 8, 0)
    return bytes(changed)


PNG = encode(Image.fromarray(IMAGE), "PNG")
TIFF = tiff(IMAGE, compression="zlib")
FRAMES = [Image.new("L", (32, 24), value) for value in (0, 90, 200)]
GIF = encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:])
ANIMATED_PNG = encode(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:])

# File of the image, its content, and what the message says beside its name.
BAD_IMAGES = {
    "a text": ("bad.png", b"Dear colleague", "which holds text"),
    "nothing": ("bad.png", b"", "which is empty"),
    "an animated GIF": ("bad.png", GIF, "which holds a GIF"),
    "an animated PNG": ("bad.png", ANIMATED_PNG, "an animation of 3 pictures"),
    "a PNG cut in its header": ("bad.png", PNG[:30], "cut off or damaged"),
    "a PNG cut in its pixels": ("bad.png", PNG[:-200], "image file is truncated"),
    "a PNG with a wrong byte": ("bad.png", PNG[:80] + b"?" + PNG[81:], "broken data"),
    "a TIFF cut in its header": ("bad.tif", TIFF[:60], "TiffFileError: corrupted"),
    "a TIFF cut in its pixels": ("bad.tif", TIFF[:-200], "DeflateError: "),
    "a TIFF with a wrong byte": (
        "bad.tif",
        TIFF[:-99] + b"?" + TIFF[-98:],
        "DeflateError: ",
    ),
    "60,000 × 60,000 in a PNG": ("bad.png", png_header(60_000, 60_000), "3600000000"),
    "13,000 × 13,000 in a PNG": ("bad.png", png_header(13_000, 13_000), "truncated"),
    "60,000 × 60,000 in a TIFF": ("bad.tif", tiff_header(60_000), "60,000 × 60,000"),
    "0 × 0 in a PNG": ("bad.png", png_header(0, 0), "cut off or damaged"),
    "0 × 0 in a TIFF": ("bad.tif", tiff_header(0), "at least one pixel"),
    "complex numbers": ("bad.tif", tiff(IMAGE * 1j), "dtype complex"),
}


@pytest.mark.parametrize(
    ("name", "content", "evidence"), BAD_IMAGES.values(), ids=BAD_IMAGES
)
@pytest.mark.parametrize("kind", ["images", "masks"])
def test_a_file_that_is_no_image_is_answered_in_one_sentence(
    folder: Path,
    open_again: Callable[..., Any],
    kind: str,
    name: str,
    content: bytes,
    evidence: str,
) -> None:
    if kind == "images":
        (folder / "bad/images/bad.png").unlink()
    (folder / "bad" / kind / name).write_bytes(content)
    tracemalloc.start()
    try:
        samples, problems = read_good_samples(open_again(folder), ["bad", "good"])
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert [sample.sample_id for sample in samples] == ["good"]
    np.testing.assert_array_equal(samples[0].labels, LABELS)
    (problem,) = problems
    assert problem.sample_id == "bad"
    assert f"stage1_train/bad/{kind}/{name}" in problem.reason.replace(".zip/", "/")
    assert "Expected" in problem.reason
    assert "Received" in problem.reason
    assert evidence in problem.reason
    assert "\n" not in problem.reason


def no_image(sample: Path) -> None:
    (sample / "images/bad.png").unlink()
    (sample / "images/bad.gif").write_bytes(GIF)


def two_images(sample: Path) -> None:
    (sample / "images/second.png").write_bytes(PNG)


def stack_of_images(sample: Path) -> None:
    (sample / "images/bad.png").unlink()
    stack = tiff(np.stack([IMAGE] * 5), photometric="minisblack")
    (sample / "images/bad.tif").write_bytes(stack)


def mask_of_another_size(sample: Path) -> None:
    (sample / "masks/odd.png").write_bytes(encode(Image.new("L", (24, 32)), "PNG"))


def no_masks(sample: Path) -> None:
    shutil.rmtree(sample / "masks")


def masks_of_another_kind(sample: Path) -> None:
    for path in (sample / "masks").iterdir():
        path.rename(path.with_suffix(".npy"))


def jpeg_mask(sample: Path) -> None:
    (sample / "masks/odd.jpg").write_bytes(encode(Image.new("L", (32, 24)), "JPEG"))


BAD_SAMPLES = {
    no_image: r"Sample bad of .*train(\.zip)? needs exactly one image .*: none\. Add",
    two_images: r"Sample bad of .* exactly one image .*: 2 \(bad\.png, second\.png\)",
    stack_of_images: r"Sample bad needs an image .*: image \(5, 24, 32\) of uint8",
    mask_of_another_size: r"\(24, 32\)\. .*: .*bad/masks/odd\.png of .*\(32, 24\)",
    no_masks: "Sample bad of .* has no masks. Expected one file per nucleus",
    masks_of_another_kind: r"Sample bad of .* as image files\. .*: 2 \(bad_0001\.npy, ",
    jpeg_mask: r"without lossy compression. Received: .*bad/masks/odd\.jpg",
}


@pytest.mark.parametrize(
    ("damage", "reason"),
    BAD_SAMPLES.items(),
    ids=[damage.__name__ for damage in BAD_SAMPLES],
)
def test_a_sample_that_is_incomplete_is_answered_in_one_sentence(
    folder: Path,
    open_again: Callable[..., Any],
    damage: Callable[..., Any],
    reason: str,
) -> None:
    damage(folder / "bad")
    source = open_again(folder)
    with pytest.raises(DatasetError, match=reason):
        source.read_sample("bad")
    np.testing.assert_array_equal(source.read_sample("good").labels, LABELS)


@pytest.mark.parametrize("closed", ["", "images", "masks"])
def test_a_folder_that_may_not_be_looked_into_spoils_its_sample_only(
    folder: Path, close_folder: Callable[..., Any], closed: str
) -> None:
    close_folder(folder / "bad" / closed)
    samples, problems = read_good_samples(open_samples(folder), ["bad", "good"])
    assert [sample.sample_id for sample in samples] == ["good"]
    (problem,) = problems
    assert f"Received: bad/{closed or 'images'}/ (PermissionError" in problem.reason
    assert "Permission denied" in problem.reason
    assert str(folder) in problem.reason


@pytest.mark.parametrize("closed", ["", "images", "labels"])
def test_a_data_set_that_may_not_be_looked_into_is_named(
    tmp_path: Path, close_folder: Callable[..., Any], closed: str
) -> None:
    for name in ("images", "labels"):
        (tmp_path / "closed" / name).mkdir(parents=True)
    if not closed:  # what is inside cannot be told, either
        shutil.rmtree(tmp_path / "closed/labels")
    folder = tmp_path / "closed" / closed
    close_folder(folder)
    with pytest.raises(ImageError, match=rf"{folder} \(Permission denied\)\. Check"):
        open_samples(tmp_path / "closed")


def test_overlapping_masks_give_the_pixel_to_the_first(
    folder: Path, open_again: Callable[..., Any]
) -> None:
    both = np.full(LABELS.shape, 255, np.uint8)
    (folder / "bad/masks/c.png").write_bytes(encode(Image.fromarray(both), "PNG"))
    expected = np.where(LABELS == 0, 3, LABELS)
    labels = open_again(folder).read_labels("bad")
    np.testing.assert_array_equal(labels, expected)


def test_an_empty_mask_is_no_nucleus(
    folder: Path, open_again: Callable[..., Any]
) -> None:
    none = encode(Image.new("L", (32, 24)), "PNG")
    (folder / "bad/masks/bad_0000.png").write_bytes(none)
    labels = open_again(folder).read_labels("bad")
    np.testing.assert_array_equal(labels, np.where(LABELS > 0, LABELS + 1, 0))


def test_an_image_without_nuclei_has_an_empty_folder(
    folder: Path, open_again: Callable[..., Any]
) -> None:
    for path in (folder / "bad/masks").iterdir():
        path.unlink()
    assert not open_again(folder).read_labels("bad").any()


PALETTE = Image.fromarray(IMAGE % 3, "P")
PALETTE.putpalette([0, 0, 0, 250, 40, 60, 30, 200, 90])
COLOURS = np.array([[0, 0, 0], [250, 40, 60], [30, 200, 90]])[IMAGE % 3]
CMYK = Image.merge(
    "CMYK", [Image.fromarray(255 - IMAGE)] * 3 + [Image.new("L", (32, 24))]
)
HOLES = IMAGE.astype(np.float32)
HOLES[0, :3] = np.nan, np.inf, -np.inf

# File of an unusual image, its content, and the pixels it must be read as.
GOOD_IMAGES = {
    "CMYK in a TIFF": ("bad.tif", encode(CMYK, "TIFF"), np.stack([IMAGE] * 3, -1)),
    "a palette": ("bad.png", encode(PALETTE, "PNG"), COLOURS),
    "a palette in a TIFF": ("bad.tif", encode(PALETTE, "TIFF"), COLOURS),
    "1 bit": (
        "bad.png",
        encode(Image.fromarray(IMAGE > 99), "PNG"),
        (IMAGE > 99) * 255,
    ),
    "12 in 16 bits": ("bad.tif", tiff(IMAGE * np.uint16(16)), IMAGE * np.uint16(16)),
    "NaN and infinities": ("bad.tif", tiff(HOLES), HOLES),
    "a wrong suffix": ("bad.jpg", TIFF, IMAGE),
}


@pytest.mark.parametrize(
    ("name", "content", "expected"), GOOD_IMAGES.values(), ids=GOOD_IMAGES
)
def test_an_unusual_image_is_read_right(
    folder: Path,
    open_again: Callable[..., Any],
    name: str,
    content: bytes,
    expected: NDArray[Any],
) -> None:
    (folder / "bad/images/bad.png").unlink()
    (folder / "bad/images" / name).write_bytes(content)
    sample = open_again(folder).read_sample("bad")
    np.testing.assert_array_equal(sample.image, expected)
    np.testing.assert_array_equal(sample.labels, LABELS)
    planes = to_channels(sample.image)
    scaled = normalise(planes, intensity_limits(planes))
    assert np.isfinite(scaled).all()
    assert scaled.max() == 1


def test_more_bits_show_the_same(folder: Path) -> None:
    """What a network sees does not depend on how intensities are stored."""
    seen = []
    for image in (IMAGE, IMAGE * np.uint16(16), IMAGE / np.float32(255)):
        planes = to_channels(image)
        seen.append(normalise(planes, intensity_limits(planes)))
    np.testing.assert_allclose(seen[1], seen[0], atol=1e-6)
    np.testing.assert_allclose(seen[2], seen[0], atol=1e-6)


NAMES = ["Zellkern-Ü 細胞核 🔬", "-rf", "a b'\"&;$(x)", "n" * 120, "%s{0}", "[red]a"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(
    tmp_path: Path, open_again: Callable[..., Any], name: str
) -> None:
    folder = tmp_path / "stage1_train"
    write_dsb2018_sample(folder, name, IMAGE, LABELS)
    source = open_again(folder)
    assert source.sample_ids == (name,)
    np.testing.assert_array_equal(source.read_sample(name).labels, LABELS)
    (folder / name / "images" / f"{name}.png").write_bytes(b"Dear colleague")
    with pytest.raises(ImageError, match="which holds text") as caught:
        open_again(folder).read_sample(name)
    assert f"{name}/images/{name}.png" in str(caught.value)


@pytest.mark.parametrize("name", ["gone", "n" * 300, "n" * 300 + ".zip", "a\0b"])
def test_a_path_that_leads_nowhere_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UNetNucleiError, match=rf"{name}, which does not exist"):
        open_samples(tmp_path / name)
    reason = rf"readable image file. Received: .*{name}\.png \((File|OS|Value).*Error: "
    with pytest.raises(ImageError, match=reason):
        read_image(tmp_path / f"{name}.png")
