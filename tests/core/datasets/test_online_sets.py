"""Zips in the layouts of the published data sets, from a server on this computer."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.datasets import downloads, online_sets
from napari_unet_nuclei.core.datasets.downloads import fetch
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.sources import read_source
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.datasets.transfer import DownloadError, OnlineDataSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

NAME = "tiny"


def as_png(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format="PNG")
    return file.getvalue()


def as_tiff(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array)
    return file.getvalue()


def make_zip(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return file.getvalue()


def tnbc_zip() -> bytes:
    """H&E as RGBA and binary masks, in a folder for each patient."""
    files: dict[str, bytes] = {}
    top = "TNBC_NucleiSegmentation"
    for patient, name in (("01", "01_1"), ("01", "01_2"), ("11", "11_1")):
        image, labels = draw_nuclei(len(files), (64, 80), 4)
        rgba = np.dstack([image, image, image, np.full_like(image, 255)])
        files[f"{top}/Slide_{patient}/{name}.png"] = as_png(rgba)
        mask = (labels > 0).astype(np.uint8) * 255
        files[f"{top}/GT_{patient}/{name}.png"] = as_png(mask)
        files[f"__MACOSX/{top}/Slide_{patient}/._{name}.png"] = b"Mac OS X"
    return make_zip({**files, f"{top}/readme.txt": b"About"})


def kromp_zip() -> bytes:
    """Grey and RGB images with label images, and pictures that are not wanted."""
    files: dict[str, bytes] = {}
    for number, name in enumerate(("normal_0", "Neuroblastoma_0")):
        image, labels = draw_nuclei(number, (64, 80), 4)
        stored = image if number == 0 else np.dstack([image] * 3)
        files[f"rawimages/{name}.tif"] = as_tiff(stored)
        files[f"groundtruth/{name}.tif"] = as_tiff(labels.astype(np.uint16))
        files[f"groundtruth_svgs/{name}.svg"] = b"<svg/>"
        files[f"visualized_groundtruth/{name}.tif"] = as_tiff(image)
    return make_zip({**files, "image_description.csv": b"Image_Name;Modality"})


PUBLISHED = {
    "tnbc": (tnbc_zip, ("01_1", "01_2", "11_1")),
    "fluorescence_tissue": (kromp_zip, ("Neuroblastoma_0", "normal_0")),
}


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_published_layout_becomes_images_and_labels(
    name: str, offer: Callable[..., None], server: Any, cache: Path
) -> None:
    make, ids = PUBLISHED[name]
    server.content = make()
    published = online_sets.DATA_SETS[name]
    offer(
        "/good",
        algorithm=published.algorithm,
        images=published.images,
        labels=published.labels,
        source=published.source,
    )
    found = fetch(NAME)
    assert os.listdir(cache) == [NAME]
    assert sorted(os.listdir(found)) == [
        "ORIGIN.txt",
        "SOURCE.json",
        "images",
        "labels",
    ]
    samples = open_samples(found)
    assert samples.sample_ids == ids
    for sample_id in ids:
        sample = samples.read_sample(sample_id)
        assert sample.image.shape[:2] == sample.labels.shape == (64, 80)
        assert sample.labels.max() > 1
    source = read_source(found)
    assert source["licence"] == published.source["licence"]
    assert source["url"].endswith("/good")
    assert fetch(NAME) == found
    assert server.asked == ["/good"]


def test_another_file_of_the_same_size_has_another_md5(
    offer: Callable[..., None], server: Any, cache: Path
) -> None:
    offer("/wrong", algorithm="md5")
    with pytest.raises(DownloadError, match=r"with the md5 [0-9a-f]{32} at"):
        fetch(NAME)
    assert not (cache / "tiny.zip").exists()


@pytest.mark.parametrize("digests", [{}, {"sha256": "00", "md5": "00"}])
def test_a_data_set_has_one_digest(digests: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="the sha256 of a data set, or its md5"):
        OnlineDataSet(url="https://example.org/a.zip", **digests)


def test_files_of_one_name_do_not_replace_each_other(
    offer: Callable[..., None],
    server: Any,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.content = make_zip({"a/images/x.png": b"1", "b/images/x.png": b"2"})
    offer("/good", images="*images/*", labels="*labels/*")
    with pytest.raises(OSError, match=r"tiny.*exists"):
        fetch(NAME)
    assert os.listdir(cache) == ["tiny.zip"]
    data_set = downloads.DATA_SETS[NAME]
    monkeypatch.setitem(downloads.DATA_SETS, NAME, replace(data_set, images="a/*"))
    assert os.listdir(fetch(NAME) / "images") == ["x.png"]


def test_what_is_written_about_the_source_is_json(
    offer: Callable[..., None], server: Any, cache: Path
) -> None:
    server.content = tnbc_zip()
    published = online_sets.DATA_SETS["tnbc"]
    offer("/good", images="*Slide_*", labels="*GT_*", source=published.source)
    text = (fetch(NAME) / "SOURCE.json").read_text(encoding="utf-8")
    assert "Laé" in json.loads(text)["paper"]
