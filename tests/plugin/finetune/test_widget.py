"""The widget on a viewer without a window; ``test_in_napari`` has the window."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool
from scipy import ndimage

from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.plugin.finetune.training_samples import make_samples
from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    FakeTraining = Callable[..., Callable[..., list[str]]]

SCORES = {"dsb2018": 0.71, "ap50": 0.9, "pq": 0.8, "dice": 0.9}


def step(epoch: int, *, score: float | None = None, is_best: bool = False) -> str:
    scores = None if score is None else {**SCORES, "dsb2018": score}
    values = {"epoch": epoch, "progress": 0.5, "seconds": 30.0, "loss": 0.3}
    return json.dumps({"event": "step", **values, "scores": scores, "is_best": is_best})


def finished(score: float, warning: str | None = None) -> str:
    return json.dumps(
        {
            "event": "finished",
            "output": "x",
            "scores": {**SCORES, "dsb2018": score},
            "start_scores": SCORES,
            "is_better_than_start": score > 0.71,
            "seconds": 60.0,
            "warning": warning,
        }
    )


STARTING = '{"event": "status", "message": "Starting Keras"}'


class Scene:
    """A viewer with an image and labels, the widget and what a user does."""

    def __init__(self, qtbot: QtBot, image: NDArray[np.uint8]) -> None:
        self.viewer = ViewerModel()
        self.viewer.add_image(image, name="cells")
        self.viewer.add_labels(ndimage.label(image > 80)[0], name="truth")
        self.widget = FineTuneWidget(self.viewer)
        qtbot.addWidget(self.widget.native)
        self._qtbot = qtbot

    def start(self) -> None:
        self.widget.panel.run_button.native.click()

    def wait(self) -> None:
        self._qtbot.waitUntil(lambda: not self.widget.panel.is_running, timeout=30_000)

    def wait_for(self, text: str) -> None:
        self._qtbot.waitUntil(lambda: text in self.status, timeout=30_000)

    @property
    def status(self) -> str:
        return str(self.widget.panel.status.value)

    def assert_idle(self) -> None:
        panel = self.widget.panel
        assert panel.run_button.enabled
        assert not panel.cancel_button.enabled
        assert not panel.progress_bar.native.isVisibleTo(panel.native)


@pytest.fixture
def scene(
    qtbot: QtBot, image: NDArray[np.uint8], make_model: Callable[..., Path]
) -> Scene:
    make_model("start")
    return Scene(qtbot, image)


def test_a_better_model_is_chosen_in_both_widgets(
    scene: Scene, fake_training: FakeTraining, qtbot: QtBot
) -> None:
    segment = SegmentWidget(scene.viewer)
    qtbot.addWidget(segment.native)
    scene.widget.make_command = fake_training(
        STARTING,
        step(0, score=0.71, is_best=True),
        step(0),
        step(1, score=0.78, is_best=True),
        "SAVE",
        finished(0.78),
    )
    scene.start()
    assert not scene.widget.panel.run_button.enabled
    scene.wait()
    assert scene.status == (
        "my-nuclei is better than start: .71 → .78 on held-out quarters. my-nuclei is "
        "chosen now, here and under Segment nuclei."
    )
    scene.assert_idle()
    assert "my-nuclei" in segment.model.choices
    assert segment.model.model == scene.widget.start.model == "my-nuclei"
    assert scene.widget.model_name.value == "my-nuclei-2"
    assert scene.widget._plot is not None
    assert scene.widget._plot.n_points == (3, 2)
    assert scene.widget._plot.isVisibleTo(scene.widget.native)


def test_each_step_reaches_the_plot_however_busy_the_window_was(
    scene: Scene, user_folder: Path, fake_training: FakeTraining
) -> None:
    steps = [step(n, score=0.7) for n in range(200)]
    scene.widget.make_command = fake_training(STARTING, *steps, "SAVE", finished(0.75))
    said: list[str] = []
    say = scene.widget.panel.say
    scene.widget.panel.say = lambda text, *rest: (said.append(text), say(text, *rest))
    scene.start()
    QThreadPool.globalInstance().waitForDone(30_000)
    scene.wait()
    assert scene.widget._plot.n_points == (200, 200)
    assert said[-1] == scene.status
    assert ".75" in scene.status
    scene.assert_idle()


def test_a_model_that_is_not_better_is_not_added(
    scene: Scene,
    fake_training: FakeTraining,
    notifications: list[str],
    user_folder: Path,
) -> None:
    scene.widget.make_command = fake_training(
        step(1, score=0.72, is_best=True), "SAVE", finished(0.7)
    )
    scene.start()
    scene.wait()
    assert scene.status == (
        "Training found nothing better than start, which scores .71 on held-out "
        "quarters. No model was added."
    )
    assert scene.widget.start.model == "start"
    assert notifications == [scene.status]
    assert list(scene.widget.start.choices) == ["start", "<manage>", "<file>"]
    assert [path.name for path in user_folder.glob("my-nuclei*")] == ["my-nuclei.pid"]


def test_what_the_new_model_lacks_is_said(
    scene: Scene, fake_training: FakeTraining, notifications: list[str]
) -> None:
    warning = "The model has no OpenVINO form."
    scene.widget.make_command = fake_training("SAVE", finished(0.8, warning))
    scene.start()
    scene.wait()
    assert "is better than start" in scene.status
    assert notifications == [warning]


def test_progress_is_shown_while_it_runs(
    scene: Scene, fake_training: FakeTraining
) -> None:
    scene.widget.make_command = fake_training(STARTING, step(0), "WAIT")
    scene.start()
    scene.wait_for("Epoch 0 · loss 0.300 · 0:0")
    scene.wait_for(", about 2 min left")
    assert scene.widget.panel.progress_bar.native.value() == 50
    scene.widget.panel.cancel_button.native.click()
    scene.wait()


def test_what_goes_wrong_on_the_way_stays_on_show(
    scene: Scene, fake_training: FakeTraining
) -> None:
    scene.widget.native.show()
    note = "Weights became no numbers; back to the last good ones, half as fast."
    noted = json.dumps({**json.loads(step(1, score=0.6)), "note": note})
    scene.widget.make_command = fake_training(noted, step(2), "SAVE", finished(0.8))
    scene.start()
    scene.wait()
    assert scene.widget.notes.visible
    assert scene.widget.notes.value == note
    scene.widget.make_command = fake_training("SAVE", finished(0.8))
    scene.start()
    assert not scene.widget.notes.visible
    scene.wait()


@pytest.mark.parametrize(
    ("epoch", "status"),
    [
        (0, "Cancelled: nothing better had been found, so no model was added."),
        (
            1,
            "Cancelled: my-nuclei has the best weights so far (.80 on the held-out "
            "part), and is chosen now, here and under Segment nuclei.",
        ),
    ],
)
def test_cancelling_ends_the_process(
    scene: Scene,
    fake_training: FakeTraining,
    user_folder: Path,
    epoch: int,
    status: str,
) -> None:
    scene.widget.make_command = fake_training(
        "SAVE", step(epoch, score=0.8, is_best=True), "WAIT"
    )
    scene.start()
    scene.wait_for("held-out" if epoch == 0 else "score")
    child = int((user_folder / "my-nuclei.pid").read_text())
    scene.widget.panel.cancel_button.native.click()
    assert scene.status == "Cancelling: the training process keeps its best weights …"
    scene.wait()
    assert not psutil.pid_exists(child)
    assert scene.status == status
    assert scene.widget.start.model == ("my-nuclei" if epoch else "start")
    assert ("my-nuclei" in scene.widget.start.choices) == bool(epoch)
    scene.assert_idle()


def test_a_process_that_dies_is_told_and_can_be_started_again(
    scene: Scene, fake_training: FakeTraining, notifications: list[str]
) -> None:
    scene.widget.make_command = fake_training(STARTING, "EXIT 3")
    scene.start()
    scene.wait()
    assert "exit code 3" in scene.status
    assert "last words" in scene.status
    assert notifications == [scene.status]
    scene.assert_idle()
    scene.widget.make_command = fake_training("SAVE", finished(0.8))
    scene.start()
    scene.wait()
    assert "is better than start" in scene.status


def test_a_process_that_is_killed_leaves_its_best_weights(
    scene: Scene, fake_training: FakeTraining, qtbot: QtBot, user_folder: Path
) -> None:
    scene.widget.make_command = fake_training(
        step(0, score=0.71, is_best=True),
        "SAVE",
        step(1, score=0.8, is_best=True),
        "STUBBORN",
    )
    scene.start()
    scene.wait_for("stubborn")
    # Layers may go while it runs; it has what it needs.
    scene.viewer.layers.clear()
    psutil.Process(int((user_folder / "my-nuclei.pid").read_text())).kill()
    scene.wait()
    if sys.platform != "win32":
        assert "was killed, as systems do when memory runs out; close" in scene.status
    assert scene.status.endswith(
        " my-nuclei has the best weights so far (.71 → .80 on the held-out part), and "
        "is chosen now, here and under Segment nuclei."
    )
    assert scene.widget.start.model == "my-nuclei"


def test_destroying_the_widget_ends_the_process(
    qtbot: QtBot,
    image: NDArray[np.uint8],
    make_model: Callable[..., Path],
    fake_training: FakeTraining,
    user_folder: Path,
) -> None:
    make_model("start")
    viewer = ViewerModel()
    viewer.add_image(image)
    viewer.add_labels(image)
    widget = FineTuneWidget(viewer)
    widget.make_command = fake_training(STARTING, "WAIT")
    widget.panel.run_button.native.click()
    pid_file = user_folder / "my-nuclei.pid"
    qtbot.waitUntil(
        lambda: "Starting Keras ·" in widget.panel.status.value, timeout=30_000
    )
    child = int(pid_file.read_text())
    task = widget.panel.task
    assert task is not None
    with qtbot.waitSignal(task.worker.finished, timeout=30_000):
        widget.native.deleteLater()
    assert not psutil.pid_exists(child)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("cells", "no layer with an image"), ("truth", "no layer with labels")],
)
def test_without_layers_one_sentence_says_so(
    scene: Scene, notifications: list[str], missing: str, sentence: str
) -> None:
    scene.viewer.layers.remove(missing)
    scene.start()
    assert sentence in scene.status
    assert notifications == [scene.status]
    scene.assert_idle()


def test_without_a_model_one_sentence_says_so(scene: Scene, user_folder: Path) -> None:
    (user_folder / "start.unetnuclei").unlink()
    scene.widget.start.reset_choices()
    scene.start()
    assert "No model to start from" in scene.status


def test_labels_without_nuclei_are_refused(scene: Scene) -> None:
    scene.viewer.layers["truth"].data = np.zeros((64, 128), np.uint8)
    scene.start()
    scene.wait()
    assert "label some nuclei first" in scene.status
    scene.assert_idle()


@pytest.mark.parametrize("name", ["a/b", "CON", "x" * 300, "start"])
def test_odd_names_are_refused_while_they_are_typed(
    scene: Scene, name: str, fake_training: FakeTraining
) -> None:
    widget = scene.widget
    widget.native.show()
    assert not widget.name_problem.visible
    widget.model_name.native.setText(name)
    assert widget.name_problem.visible
    assert widget.name_problem.value == widget.model_name.tooltip
    scene.start()
    assert scene.status == widget.name_problem.value
    assert not widget.panel.is_running
    widget.model_name.native.setText("mine")
    assert not widget.name_problem.visible
    assert "list of models" in widget.model_name.tooltip


def test_the_name_of_the_run_is_no_problem_while_it_runs(
    scene: Scene, fake_training: FakeTraining
) -> None:
    widget = scene.widget
    widget.native.show()
    widget.make_command = fake_training(
        "SAVE", step(1, score=0.8, is_best=True), "WAIT"
    )
    scene.start()
    scene.wait_for("score")
    widget.model_name.native.setText("my-nuclei ")
    assert not widget.name_problem.visible
    widget.panel.cancel_button.native.click()
    scene.wait()
    assert widget.model_name.value == "my-nuclei-2"
    assert not widget.name_problem.visible
    widget.model_name.native.setText("My-Nuclei")
    assert "already exists" in widget.name_problem.value


def test_names_in_use_are_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, user_folder: Path
) -> None:
    scene.widget.model_name.value = "start"
    scene.start()
    scene.wait()
    assert "A model 'start' already exists" in scene.status
    shipped = {"resnet": user_folder / "start.unetnuclei"}
    monkeypatch.setattr(model_store, "shipped_models", lambda: shipped)
    scene.widget.model_name.value = "resnet"
    scene.start()
    assert "belongs to a model of this package" in scene.status


def test_labels_of_one_plane_are_learned_with_that_plane(
    scene: Scene, image: NDArray[np.uint8]
) -> None:
    widget, viewer = scene.widget, scene.viewer
    viewer.layers.clear()
    viewer.add_image(np.stack([0 * image, image]), name="stack", scale=(3, 1, 1))
    truth = (image > 80).astype(np.uint8)[np.newaxis]
    viewer.add_labels(truth, name="plane 1", scale=(3, 1, 1), translate=(3, 0, 0))
    request = widget._form.make_request(widget.make_command)
    (pair,) = request.pairs
    assert pair.plane == (1,)
    (sample,) = make_samples(request.pairs)
    np.testing.assert_array_equal(sample.image[..., 0], image)
    np.testing.assert_array_equal(sample.labels, truth[0])
