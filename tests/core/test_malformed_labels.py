"""What stands in place of label images, and the sentence that answers it."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets.opening import open_samples, read_good_samples
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGE = np.random.default_rng(0).integers(0, 255, (24, 32), np.uint8)
LABELS = np.zeros(IMAGE.shape, np.int32)
LABELS[2:9, 3:12] = 1
LABELS[12:20, 15:28] = 2


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def tiff(array: NDArray[np.generic], **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


PNG = encode(Image.fromarray(IMAGE), "PNG")
TIFF = tiff(IMAGE, compression="zlib")
PALETTE = Image.fromarray(IMAGE % 3, "P")
PALETTE.putpalette([0, 0, 0, 250, 40, 60, 30, 200, 90])

# Labels in a folder of their own, beside an image of the same name.
FILE = r"labels[/\\]bad\.tif"
BAD_LABELS = {
    "negative": (tiff(LABELS - 2), FILE + " must lie .* values from -2 to 0"),
    "fractions": (
        tiff(LABELS / np.float32(2)),
        FILE + " must hold whole numbers.* with the value 0.5",
    ),
    "no numbers": (
        tiff(np.full(LABELS.shape, np.nan)),
        FILE + " must hold whole numbers.* with the value nan",
    ),
    "too large": (
        tiff(np.where(LABELS > 0, np.inf, 0).astype(np.float32)),
        FILE + " must lie .* values from 0.0 to inf",
    ),
    "colours": (
        encode(PALETTE.convert("RGB"), "TIFF"),
        FILE + " must be a label image .* not as colours",
    ),
    "a stack": (
        tiff(np.stack([LABELS] * 5)),
        FILE + r" must be a label image .* shape \(5, 24, 32\)",
    ),
    "another size": (tiff(LABELS.T), r"Sample bad needs .* labels \(32, 24\)"),
    "cut off": (TIFF[:-200], FILE + r" \(DeflateError: .*that the file is complete"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_labels_that_are_none_are_answered_in_one_sentence(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for name in ("bad", "good"):
        (tmp_path / f"images/{name}.png").write_bytes(PNG)
        write_labels_tiff(tmp_path / f"labels/{name}.tif", LABELS)
    (tmp_path / "labels/bad.tif").write_bytes(content)
    samples, problems = read_good_samples(open_samples(tmp_path), ["bad", "good"])
    np.testing.assert_array_equal(samples[0].labels, LABELS)
    (problem,) = problems
    assert re.search(reason, problem.reason)


MASKS = {
    "255": tiff((LABELS > 0) * np.uint8(255)),
    "1 bit": tiff(LABELS > 0),
    "float": tiff((LABELS > 0).astype(np.float32)),
    "RGB": encode(Image.fromarray(LABELS > 0).convert("RGB"), "TIFF"),
}


@pytest.mark.parametrize("content", MASKS.values(), ids=MASKS)
def test_a_mask_in_place_of_labels_is_taken_apart(
    tmp_path: Path, content: bytes
) -> None:
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    (tmp_path / "images/a.png").write_bytes(PNG)
    (tmp_path / "labels/a.tif").write_bytes(content)
    np.testing.assert_array_equal(open_samples(tmp_path).read_labels("a"), LABELS)
