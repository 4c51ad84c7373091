from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imread

from napari_unet_nuclei.core.models.bundle import read_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def keras_file(tmp_path: Path) -> Path:
    """A network that takes every bright pixel for a nucleus, made by Keras."""
    import keras

    image = keras.Input((128, 128, 3))
    x = keras.layers.Lambda(lambda pixels: pixels / 255, name="scale")(image)
    x = keras.layers.Conv2D(1, 1, name="brightness")(x)
    x = keras.layers.Activation("sigmoid", name="map")(x)
    network = keras.Model(image, x)
    kernel = np.full((1, 1, 3, 1), 20 / 3, np.float32)
    network.get_layer("brightness").set_weights([kernel, np.array([-8.0])])
    path = tmp_path / "brightness.h5"
    network.save(path)
    return path


def test_a_keras_file_becomes_a_model_that_segments(
    run: Callable[..., Result], keras_file: Path, images: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run("import", keras_file, "-o", model, "--diameter", 15)
    assert result.exit_code == 0, result.output
    assert f"{model}: a network with 4 weights" in result.output
    assert "The layer 'scale' is code, which is never run" in result.output
    assert read_bundle(model).config.diameter == 15
    result = run("segment", images, "-o", tmp_path / "out", "--model", model)
    assert result.exit_code == 0, result.output
    labels = imread(tmp_path / "out" / "first.tif")
    assert 3 <= labels.max() <= 16


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-o", "mine.keras"], "Expected a model file that ends in .unetnuclei"),
        (["-o", "mine.unetnuclei", "--diameter", "0"], "diameter must be positive"),
        (["-o", "mine.unetnuclei", "--brightest", "0"], "brightest pixel must be"),
        (["-o", "mine.unetnuclei"], "is neither"),
    ],
)
def test_what_cannot_be_imported_gets_a_sentence(
    run: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "unet.h5"
    file.write_text("not a network")
    result = run("import", file, *options)
    assert result.exit_code == 1
    assert sentence in result.output
    assert list(tmp_path.iterdir()) == [file]
