"""One folder of a zip, unpacked whole or not at all."""

from __future__ import annotations

import io
import os
import shutil
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.datasets import downloads
from napari_unet_nuclei.core.datasets.downloads import (
    fetch,
)
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "tiny"


def stardist_zip() -> bytes:
    """The layout of the fluorescence subset, two images in each part."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for number, name in enumerate(("a", "b", "c", "d")):
            part = "train" if number < 2 else "test"
            arrays = draw_nuclei(number, (64, 80), 4)
            for folder, array in zip(("images", "masks"), arrays, strict=True):
                tiff = io.BytesIO()
                tifffile.imwrite(tiff, array.astype(np.uint16))
                zipped.writestr(f"dsb2018/{part}/{folder}/{name}.tif", tiff.getvalue())
    return file.getvalue()


def test_the_training_part_alone_is_unpacked(
    offer: Callable[..., None], server: Any, cache: Path
) -> None:
    server.content = stardist_zip()
    offer("/good", part="dsb2018/train")
    found = fetch(NAME)
    assert found == cache / NAME
    assert os.listdir(cache) == [NAME]
    samples = open_samples(found)
    assert samples.sample_ids == ("a", "b")
    sample = samples.read_sample("b")
    assert sample.image.shape == (64, 80)
    assert sample.labels.max() > 1
    assert f"{server.server_port}/good\nsha256" in (found / "ORIGIN.txt").read_text()
    assert fetch(NAME) == found
    assert server.asked == ["/good"]


def test_several_processes_may_unpack_at_once(
    offer: Callable[..., None],
    server: Any,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.content = stardist_zip()
    offer("/good", part="dsb2018/train")
    unpack = downloads.unpack
    both_have_the_zip = threading.Barrier(2)

    def wait_and_unpack(*arguments: object) -> None:
        both_have_the_zip.wait(30)
        unpack(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(downloads, "unpack", wait_and_unpack)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: fetch(NAME), range(2)))
    assert found == [cache / NAME] * 2
    assert os.listdir(cache) == [NAME]


def test_unpacking_that_fails_leaves_no_half_data_set(
    offer: Callable[..., None],
    server: Any,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.content = stardist_zip()
    offer("/good", part="dsb2018/train")
    copy = shutil.copyfileobj
    n_files = 0

    def fill_disk(*arguments: object) -> None:
        nonlocal n_files
        n_files += 1
        if n_files == 3:
            raise OSError(28, "No space left on device")
        copy(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", fill_disk)
        with pytest.raises(OutputError, match=r"tiny.*No space left on device.*room"):
            fetch(NAME)
    assert os.listdir(cache) == ["tiny.zip"]
    assert open_samples(fetch(NAME)).sample_ids == ("a", "b")
    assert server.asked == ["/good"]


def test_a_folder_of_the_same_name_is_not_taken_for_the_data_set(
    offer: Callable[..., None], server: Any, cache: Path
) -> None:
    offer("/good", part="dsb2018/train")
    (cache / NAME / "images").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"tiny, which holds something else\. Remove"):
        fetch(NAME)
    assert server.asked == []
