from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.batch import RLE_NAME, segment_images
from napari_unet_nuclei.core.choices import OutputFormat
from napari_unet_nuclei.core.errors import ImageError, OutputError
from napari_unet_nuclei.core.image_files import StoredImage
from napari_unet_nuclei.core.inputs import NamedImage
from napari_unet_nuclei.core.label_files import read_labels
from napari_unet_nuclei.core.prediction import load_model
from napari_unet_nuclei.core.rle import decode_labels, read_rle_csv
from napari_unet_nuclei.core.settings import SegmentationSettings
from napari_unet_nuclei.core.synthetic import draw_nuclei

if TYPE_CHECKING:
    from napari_unet_nuclei.core.prediction import Model

SETTINGS = SegmentationSettings()


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("classic")


def drawn(name: str, seed: int = 0) -> NamedImage:
    return NamedImage(name, lambda: StoredImage(draw_nuclei(seed, (128, 160), 8)[0]))


def broken(error: Exception) -> NamedImage:
    def read():
        raise error

    return NamedImage("broken", read)


def run(model, images, folder, *formats):
    return list(segment_images(model, images, folder, formats, SETTINGS))


def test_a_batch_gives_one_picture_an_image_and_one_csv(model, tmp_path):
    images = [drawn("a"), drawn("b", seed=1)]
    done = run(model, images, tmp_path, OutputFormat.OVERLAY, OutputFormat.RLE)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a_overlay.png", "b_overlay.png", "predictions.csv"]
    runs = read_rle_csv(tmp_path / RLE_NAME)
    assert [image.name for image in done] == list(runs) == ["a", "b"]
    assert [image.n_nuclei for image in done] == [len(runs[name]) for name in "ab"]
    for name in "ab":
        with Image.open(tmp_path / f"{name}_overlay.png") as picture:
            assert picture.size == (2 * 4 * 160 + 8, 4 * 128)


def test_pictures_show_the_nuclei_of_the_csv(model, tmp_path):
    run(model, [drawn("a")], tmp_path, OutputFormat.OVERLAY, OutputFormat.RLE)
    labels = decode_labels(read_rle_csv(tmp_path / RLE_NAME)["a"], (128, 160))
    with Image.open(tmp_path / "a_overlay.png") as picture:
        found = np.asarray(picture)[:, 4 * 160 + 8 :]
    is_line = (np.ptp(found, axis=-1) > 0)[::4, ::4]
    assert is_line.any()
    assert (labels[is_line] > 0).all()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ImageError("it is a letter"), "it is a letter"),
        (
            MemoryError("Unable to allocate"),
            "not enough memory (Unable to allocate); cut the image into pieces",
        ),
        (MemoryError(), "not enough memory; cut the image into pieces"),
    ],
)
def test_a_bad_image_is_reported_and_passed_over(model, tmp_path, error, sentence):
    images = [broken(error), drawn("good")]
    bad, good = run(model, images, tmp_path, OutputFormat.TIFF, OutputFormat.RLE)
    assert (bad.name, bad.n_nuclei, bad.error) == ("broken", 0, sentence)
    assert good.error is None
    assert read_labels(tmp_path / "good.tif").max() == good.n_nuclei > 0
    assert list(read_rle_csv(tmp_path / RLE_NAME)) == ["good"]


def test_a_folder_that_cannot_be_written_to_ends_the_batch(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        run(model, [drawn("a"), drawn("b")], tmp_path / "file", OutputFormat.TIFF)


def test_no_image_gives_an_empty_csv(model, tmp_path):
    assert run(model, [], tmp_path, OutputFormat.RLE) == []
    assert read_rle_csv(tmp_path / RLE_NAME) == {}


def test_a_name_that_is_too_long_does_not_end_the_batch(model, tmp_path):
    images = [drawn("long" * 100), drawn("good")]
    bad, good = run(model, images, tmp_path, OutputFormat.TIFF)
    assert bad.error is not None
    assert "long" in bad.error
    assert good.error is None
    assert (tmp_path / "good.tif").exists()
