"""Zip files that are no data set as they stand, and the sentence that answers them."""

from __future__ import annotations

import io
import shutil
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = np.random.default_rng(0).integers(0, 255, (24, 32), np.uint8)


def encode(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


PNG = encode(Image.fromarray(IMAGE))


def test_names_that_no_file_can_have_are_read_from_a_zip(tmp_path: Path) -> None:
    name = "n" * 5000
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(f"{name}/images/a.png", PNG)
        file.writestr(f"{name}/masks/a.png", PNG)
    sample = open_samples(tmp_path / "a.zip").read_sample(name)
    np.testing.assert_array_equal(sample.image, IMAGE)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """300 MB of zeros in 300 kB, called an image."""
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("a/images/a.png", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1_000_000))
    tracemalloc.start()
    try:
        reason = (
            r"at most 268,435,456 bytes .*bomb\.zip, where a/images/a\.png has 300,"
        )
        with pytest.raises(DatasetError, match=reason):
            open_samples(path).read_image("a")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["../a", "/a", "C:/a", r"..\a"])
def test_a_zip_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        file.writestr(f"{name}/images/a.png", PNG)
    with pytest.raises(
        DatasetError, match=r"stay inside of it. Received: .*evil\.zip w"
    ) as caught:
        open_samples(tmp_path / "evil.zip")
    assert f" with {name}/images/a.png. Pack" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["evil.zip"]


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    write_dsb2018_sample(tmp_path / "stage1_train", "good", IMAGE, IMAGE > 200)
    path = tmp_path / "stage1_train.zip"
    shutil.make_archive(str(path.with_suffix("")), "zip", tmp_path, "stage1_train")
    locked = bytearray(path.read_bytes())
    for start in range(len(locked) - 4):
        if locked[start : start + 4] == b"PK\1\2":
            locked[start + 8] |= 1  # the bit that says "encrypted"
    path.write_bytes(locked)
    reason = (
        r"without a password. Received: .*train\.zip, where .*good/images/good\.png"
    )
    with pytest.raises(DatasetError, match=reason):
        open_samples(path).read_sample("good")
