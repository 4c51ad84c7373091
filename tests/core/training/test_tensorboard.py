"""What is written is read back by TensorBoard itself."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.errors import OutputError, TrainingError
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.settings.training import TrainingSettings
from napari_unet_nuclei.core.training import model_file
from napari_unet_nuclei.core.training.steps import TrainingStep
from napari_unet_nuclei.core.training.tensorboard import TensorBoardLog

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample

SCORES = evaluate(np.eye(3, dtype=int), np.eye(3, dtype=int))
STEP = TrainingStep(
    step=10,
    epoch=1,
    progress=0.25,
    seconds=2.0,
    loss=0.75,
    dice=0.5,
    iou=0.4,
    accuracy=0.9,
    learning_rate=1e-3,
)
PICTURE = np.random.default_rng(0).integers(0, 255, (6, 9, 3), np.uint8)


def read(folder: Path) -> Any:
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    return accumulators.EventAccumulator(
        str(folder), {"scalars": 0, "images": 0}
    ).Reload()


def curve(events: Any, tag: str) -> list[tuple[int, float]]:
    return [(event.step, pytest.approx(event.value)) for event in events.Scalars(tag)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("tensorboard")
    return tmp_path / "runs" / "first"


def test_numbers_and_pictures_come_back(folder: Path) -> None:
    board = TensorBoardLog(folder)
    board.begin(0)
    start = {"loss": None, "dice": None, "iou": None, "accuracy": None}
    board.write_step(replace(STEP, step=0, scores=SCORES, **start), {})
    board.write_step(STEP, {"never shown": PICTURE})
    board.write_step(replace(STEP, step=20, loss=0.5), {})
    end = replace(STEP, step=20, loss=0.625, scores=SCORES)
    board.write_step(end, {"some/id": PICTURE})
    board.close()

    events = read(folder)
    assert curve(events, "train/loss") == [(10, 0.75), (20, 0.5)]
    assert curve(events, "train/iou") == [(10, 0.4), (20, 0.4)]
    assert curve(events, "epoch/loss") == [(20, 0.625)]
    assert curve(events, "epoch/learning_rate") == [(0, 1e-3), (20, 1e-3)]
    assert curve(events, "validation/dsb2018") == [(0, 1), (20, 1)]
    numbers = ("loss", "dice", "iou", "accuracy", "learning_rate")
    scores = ("dsb2018", "ap50", "pq", "dice")
    assert set(events.Tags()["scalars"]) == {
        *(f"train/{name}" for name in numbers),
        *(f"epoch/{name}" for name in numbers),
        *(f"validation/{name}" for name in scores),
    }
    assert events.Tags()["images"] == ["held_out/some/id"]
    (image,) = events.Images("held_out/some/id")
    assert (image.step, image.width, image.height) == (20, 9, 6)
    with Image.open(io.BytesIO(image.encoded_image_string)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), PICTURE)


def test_a_resumed_run_replaces_what_it_repeats(folder: Path) -> None:
    for begin, last, loss in (0, 30, 0.75), (20, 40, 0.5):
        board = TensorBoardLog(folder)
        board.begin(begin)
        for step in range(begin + 10, last + 1, 10):
            board.write_step(replace(STEP, step=step, loss=loss), {})
        board.close()
    expected = [(10, 0.75), (20, 0.75), (30, 0.5), (40, 0.5)]
    assert curve(read(folder), "train/loss") == expected


def test_nothing_is_written_before_the_run_begins(folder: Path) -> None:
    TensorBoardLog(folder).close()
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_to_is_named(folder: Path) -> None:
    folder.parent.mkdir()
    folder.touch()
    with pytest.raises(OutputError, match=r"events to\. Received: .*first \("):
        TensorBoardLog(folder).begin(0)


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(TrainingError, match=r"not installed.*pip install"):
        TensorBoardLog(tmp_path)


def test_a_run_is_noted_step_by_step(
    folder: Path,
    drawn_samples: list[Sample],
    tiny_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_unet_nuclei.core.progress import exhaust
    from napari_unet_nuclei.core.training.loop import iter_training

    monkeypatch.setattr(model_file, "add_openvino", lambda bundle: bundle)
    settings = TrainingSettings(crop_size=32, batch_size=2, steps_per_epoch=4, epochs=1)
    exhaust(
        iter_training(
            drawn_samples,
            tmp_path / "tuned.unetnuclei",
            settings,
            start=tiny_path,
            report_every=2,
            board=TensorBoardLog(folder),
        )
    )
    events = read(folder)
    assert [step for step, _ in curve(events, "train/loss")] == [2, 4]
    assert [step for step, _ in curve(events, "epoch/loss")] == [4]
    assert [step for step, _ in curve(events, "validation/dsb2018")] == [0, 4]
    (tag,) = events.Tags()["images"]
    assert tag.startswith("held_out/drawn")
    assert [image.step for image in events.Images(tag)] == [0, 4]
    assert {image.width for image in events.Images(tag)} == {64 + 4 + 64}
