from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.io import imread

from napari_unet_nuclei.core.segmentation.model import load_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


def test_two_models_become_one_that_segments(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both.unetnuclei"
    result = run("ensemble", "resnet", "classic", "-o", both)
    assert result.exit_code == 0, result.output
    assert f"{both}: the mean of resnet, classic: " in result.output
    result = run("segment", images, "-o", tmp_path / "out", "--model", both)
    assert result.exit_code == 0, result.output
    labels = imread(tmp_path / "out" / "first.tif")
    assert labels.max() == 8
    image = imread(images / "first.png")
    one, other, mean = (
        load_model(model).maps(image).foreground
        for model in ("resnet", "classic", both)
    )
    np.testing.assert_allclose(mean, (one + other) / 2, atol=0.03)
    assert np.abs(one - other).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resnet", "-o", "one.unetnuclei"], "Expected two or more models"),
        (["resnet", "classic", "-o", "both.keras"], "file that ends in .unetnuclei"),
        (["resnet", "nobody", "-o", "both.unetnuclei"], "Received: 'nobody'"),
        (["resnet", "broken.txt", "-o", "both.unetnuclei"], "broken.txt, which is not"),
    ],
)
def test_what_cannot_be_joined_gets_a_sentence(
    run: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.txt"
    broken.write_text("no model")
    result = run("ensemble", *arguments)
    assert result.exit_code == 1
    assert sentence in result.output
    assert list(tmp_path.iterdir()) == [broken]
