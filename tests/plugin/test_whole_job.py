"""The main job as a user does it: a real window and the shipped models."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.engines.openvino import OpenVinoEngine
from napari_unet_nuclei.core.evaluation.scores import evaluate
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.plugin.files.opening import open_paths
from napari_unet_nuclei.plugin.shared import commands
from napari_unet_nuclei.plugin.shared.model_choice import models_changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

MINUTE = 60_000


@pytest.fixture
def own_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder for the user's models, beside the shipped ones."""
    folder = tmp_path / "models"
    monkeypatch.setattr(model_store, "user_model_folder", lambda: folder)
    return folder


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any], own_models: Path) -> Any:
    return make_napari_viewer()


def run(widget: Any, qtbot: QtBot) -> None:
    """Press the button and wait until the widget is idle again."""
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=3 * MINUTE)


def few_steps(*arguments: Any) -> list[str]:
    """Write the command of the widget, for a run of two steps."""
    words = commands.fine_tune_arguments(*arguments)
    where = words.index("--minutes")
    words[where : where + 2] = ["--epochs", "1"]
    words[words.index("--steps-per-epoch") + 1] = "2"
    return words


def test_from_a_sample_to_a_model_of_ones_own(
    viewer: Any,
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    tmp_path: Path,
    own_models: Path,
) -> None:
    # Open a DSB2018 sample.
    pixels, truth = draw_nuclei(3, (256, 256), 20)
    write_dsb2018_sample(tmp_path / "stage1", "cells", pixels, truth)
    open_paths(viewer, [tmp_path / "stage1" / "cells"])
    image, annotated = viewer.layers
    np.testing.assert_array_equal(image.data, pixels)
    assert (annotated.data > 0).sum() == (truth > 0).sum()
    assert image.metadata["sample_id"] == "cells"
    viewer.layers.remove(annotated)

    # Segment it with the shipped ResNet.
    widget = open_widget(viewer, "Segment nuclei")
    assert widget.model.model == "resnet"
    run(widget, qtbot)
    nuclei = viewer.layers["cells nuclei"]
    assert evaluate(truth, nuclei.data).ap[0.5] > 0.75
    assert nuclei.features["area"][1] == (nuclei.data == 1).sum()

    # Move the threshold: less foreground, at once.
    n_pixels = np.count_nonzero(nuclei.data)
    widget.threshold.value = 0.9
    qtbot.waitUntil(lambda: 0 < np.count_nonzero(nuclei.data) < n_pixels)

    # Save in each format and read back.
    for name in ("nuclei.tif", "nuclei.png"):
        (path,) = nuclei.save(str(tmp_path / name), plugin="napari-unet-nuclei")
        np.testing.assert_array_equal(read_labels(path), nuclei.data)

    # Correct two labels: remove one, merge another into a third.
    corrected = nuclei.data.copy()
    corrected[corrected == 1] = 0
    corrected[corrected == 2] = 3
    nuclei.data = corrected

    # Fine-tune on the corrections and segment with the new model.
    fine_tune = open_widget(viewer, "Fine-tune on labels")
    fine_tune.make_command = few_steps
    assert fine_tune.annotations.layer is nuclei
    run(fine_tune, qtbot)
    is_better = "my-nuclei is chosen now" in fine_tune.panel.status.value
    assert is_better or "No model was added" in fine_tune.panel.status.value
    own = own_models / "my-nuclei.unetnuclei"
    assert list(own_models.glob("[!.]*.unetnuclei")) == ([own] if is_better else [])
    if not is_better:  # two steps seldom are enough
        assert list(own_models.glob("[!.]*")) == []
        shutil.copy(model_store.shipped_models()["classic"], own)
        models_changed()
    widget.model.value = "my-nuclei"
    run(widget, qtbot)
    newest = viewer.layers[-1]
    assert newest.data.max() > 0
    assert newest.metadata["model"] == "my-nuclei"


def test_cancelling_and_failing_leave_the_widget_idle(
    viewer: Any,
    open_widget: Callable[[Any, str], Any],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    viewer.add_image(np.tile(draw_nuclei(0, (256, 256), 20)[0], (12, 12)), name="big")
    widget = open_widget(viewer, "Segment nuclei")
    predict, n_calls = OpenVinoEngine.predict, 0

    def count(engine: OpenVinoEngine, tiles: NDArray[Any]) -> NDArray[Any]:
        nonlocal n_calls
        n_calls += 1
        return predict(engine, tiles)

    monkeypatch.setattr(OpenVinoEngine, "predict", count)
    widget.panel.run_button.native.click()
    qtbot.waitUntil(lambda: n_calls > 0, timeout=MINUTE)
    widget.panel.cancel_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=MINUTE)
    assert 0 < n_calls < 16
    assert [layer.name for layer in viewer.layers] == ["big"]
    assert widget.panel.run_button.enabled

    def fail(engine: OpenVinoEngine, tiles: NDArray[Any]) -> NDArray[Any]:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(OpenVinoEngine, "predict", fail)
    run(widget, qtbot)
    assert "the device is gone" in widget.panel.status.value
    assert widget.panel.run_button.enabled
    assert not widget.panel.cancel_button.enabled


def test_cancelling_a_fine_tuning_leaves_the_widget_idle(
    viewer: Any, open_widget: Callable[[Any, str], Any], qtbot: QtBot, own_models: Path
) -> None:
    pixels, truth = draw_nuclei(3, (128, 128), 8)
    viewer.add_image(pixels, name="cells")
    viewer.add_labels(truth, name="truth")
    widget = open_widget(viewer, "Fine-tune on labels")
    widget.panel.run_button.native.click()
    qtbot.waitUntil(
        lambda: "Keras" in widget.panel.status.value, timeout=MINUTE
    )  # the real child is training, or about to
    widget.panel.cancel_button.native.click()
    qtbot.waitUntil(lambda: not widget.panel.is_running, timeout=2 * MINUTE)
    assert "Cancelled" in widget.panel.status.value
    assert widget.panel.run_button.enabled
    assert list(own_models.glob("*.unetnuclei")) == []
