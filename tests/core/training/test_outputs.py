from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.errors import ModelError, OutputError
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.training.log import LOG_COLUMNS
from napari_unet_nuclei.core.training.outputs import (
    claim_training_outputs,
    training_outputs,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

SUFFIXES = (".unetnuclei", ".csv", ".png", ".state.npz")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set with the image and labels ``a``."""
    folder = tmp_path / "set"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / "images" / "a.png")
    write_labels_tiff(folder / "labels" / "a.tif", np.ones((4, 4), int))
    return folder


def claim(output: Path, *inputs: Path, **options: object) -> None:
    with claim_training_outputs(output, inputs, **options):
        pass


def test_a_new_model_may_be_written_anywhere_but_in_the_images(data: Path) -> None:
    claim(data / "mine.unetnuclei", data)
    claim(data.parent / "new" / "mine.unetnuclei", data)
    for part in ("images", "labels"):
        with pytest.raises(OutputError, match="no part of a data set"):
            claim(data / part / "mine.unetnuclei", data, overwrite=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_file_of_a_run_is_replaced_only_when_asked(
    tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / "mine.unetnuclei"
    path = output.with_suffix(suffix)
    assert path in training_outputs(output)
    path.write_text("precious")
    with pytest.raises(OutputError, match=rf"Received: .*mine\{suffix}, which exists"):
        claim(output)
    claim(output, overwrite=True)
    assert path.read_text() == "precious"  # training replaces it, no one else


def test_several_files_are_counted(tmp_path: Path) -> None:
    output = tmp_path / "mine.unetnuclei"
    for path in training_outputs(output):
        path.touch()
    with pytest.raises(OutputError, match=r"4 that exist, the first is .*--overwrite"):
        claim(output)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_what_is_trained_on_is_never_replaced(
    data: Path, link: Callable[..., Any]
) -> None:
    output = data.parent / "mine.unetnuclei"
    link(data / "images" / "a.png", output.with_suffix(".png"))
    for options in ({"overwrite": True}, {"resume": True}, {}):
        with pytest.raises(OutputError, match="which is part of the input"):
            claim(output, data, **options)


def test_nor_is_the_model_that_training_begins_with(tmp_path: Path) -> None:
    model = tmp_path / "mine.unetnuclei"
    model.touch()
    with pytest.raises(OutputError, match="which is part of the input"):
        claim(model, start=str(model), overwrite=True)
    with pytest.raises(ModelError, match="Expected the name of a model"):
        claim(tmp_path / "other.unetnuclei", start="nobody")


def test_going_on_touches_only_the_log_of_a_run(tmp_path: Path) -> None:
    output = tmp_path / "mine.unetnuclei"
    output.touch()
    output.with_suffix(".png").touch()
    with pytest.raises(OutputError, match=r"Received: .*mine\.png, which exists"):
        claim(output, resume=True)
    output.with_suffix(".csv").write_text("my,measurements\n1,2\n")
    with pytest.raises(OutputError, match=r"2 that exist, the first is .*mine\.csv"):
        claim(output, resume=True)
    output.with_suffix(".csv").write_text(",".join(LOG_COLUMNS) + "\n")
    claim(output, resume=True)


def test_two_runs_do_not_write_one_model(tmp_path: Path) -> None:
    output = tmp_path / "mine.unetnuclei"
    with (
        claim_training_outputs(output),
        pytest.raises(OutputError, match="only one to train"),
        claim_training_outputs(output, overwrite=True),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"ends in \.unetnuclei"):
        claim(tmp_path / "mine.keras")
