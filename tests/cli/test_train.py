from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.cli.training_progress import JsonReporter
from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


def test_fine_tuning_writes_a_model_a_log_and_a_curve(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run(
        *("train", labelled, "-o", model, "--from", "classic"),
        *("--epochs", 1, "--steps-per-epoch", 2),
    )
    assert result.exit_code == 0, result.output
    assert "better than classic" in result.output
    bundle = read_bundle(model)
    assert bundle.openvino is not None
    assert bundle.config.provenance["start"] == "classic"
    assert model.with_suffix(".csv").read_text().startswith("epoch,step,seconds")
    assert model.with_suffix(".png").stat().st_size > 0
    assert not model.with_suffix(".state.npz").exists()
    image = labelled / "images" / "0.png"
    result = run("segment", image, "-o", tmp_path / "out", "--model", model)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--epochs", "1", "--minutes", "1"], "either how many epochs or how many"),
        (["--minutes", "0"], "must be positive"),
        (["--from", "unknown", "--epochs", "1"], "Expected the name of a model"),
        (["--resume", "--epochs", "1"], "There is nothing to resume"),
        (["--loss", "hinge"], "The loss must be one of binary_crossentropy"),
        (["--schedule", "plateau", "--plateau-factor", "2"], "factor of a plateau"),
        (["--validation-fraction", "1.5"], "validation fraction must lie between"),
        (
            ["--split", "split.json", "--validation-fraction", "0.2"],
            "Say either which images are held out or how many",
        ),
        (
            ["--plan", "nuclei-128", "--architecture", "resnet"],
            "--plan nuclei-128 and --architecture resnet; leave out one",
        ),
        (["--plan", "nuclei-128", "--from", "resnet"], "and --from resnet; leave out"),
        (["--grow", "1"], "Received: --grow 1 without one; name one, as in --from"),
        (["--from", "classic", "--grow", "1"], "or leave out --grow 1"),
        (["--architecture", "imported"], "a network that can be trained from scratch"),
    ],
)
def test_a_wrong_option_gets_a_sentence(
    run: Callable[..., Result],
    labelled: Path,
    tmp_path: Path,
    options: list[str],
    sentence: str,
) -> None:
    model = tmp_path / "mine.unetnuclei"
    result = run("train", labelled, "-o", model, *options)
    assert result.exit_code == 1
    assert sentence in result.output
    assert not model.exists()


def test_help_names_only_networks_that_can_be_trained(
    run: Callable[..., Result],
) -> None:
    result = run("train", "--help")
    assert "classic|resnet|resnet50" in result.output
    assert "imported" not in result.output


def test_another_suffix_is_noticed_before_anything_is_read(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    result = run("train", tmp_path / "none", "-o", tmp_path / "mine.keras")
    assert result.exit_code == 1
    assert "ends in .unetnuclei" in result.output


def test_a_layer_plan_is_trained_with_another_recipe(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    model, logs = tmp_path / "plan.unetnuclei", tmp_path / "logs"
    result = run(
        *("train", labelled, "-o", model, "--plan", "nuclei-128"),
        *("--epochs", 1, "--steps-per-epoch", 2, "--crop-size", 32, "--batch-size", 1),
        *("--loss", "focal+tversky", "--schedule", "plateau"),
        *("--validation-fraction", 0.4, "--tensorboard", logs),
        *("--augmentation", "elastic", "--monitor", "dice"),
    )
    assert result.exit_code == 0, result.output
    sentence = result.output.splitlines()[-1]
    assert re.match(r"plan reaches Dice \.\d\d and AP50 \.?\d.* held-out", sentence)
    assert f"the model is {model}" in sentence
    assert re.search(
        r"loss \d\.\d+, Dice .*, IoU .*, accuracy .*; held-out", result.output
    )
    config = read_bundle(model).config
    assert config.maps == ("foreground",)
    assert config.arguments["widths"] == [16, 32, 64, 128, 256]
    settings = config.provenance["settings"]
    assert settings["loss"] == "focal+tversky"
    assert settings["schedule"] == "plateau"
    assert settings["monitor"] == "dice"
    assert config.n_symmetries == 2
    assert (settings["crop_size"], settings["batch_size"]) == (32, 1)
    # Two images are cut into quarters, of which three in eight are held out.
    assert len(config.provenance["validation"]) == 3
    (events,) = logs.iterdir()
    assert b"held_out/" in events.read_bytes()
    header, row = model.with_suffix(".csv").read_text().splitlines()
    values = dict(zip(header.split(","), row.split(","), strict=True))
    assert 0 < float(values["iou"]) <= float(values["dice"]) <= 1
    assert 0 < float(values["accuracy"]) < 1


def test_a_model_that_is_not_complete_gets_a_warning(
    run: Callable[..., Result],
    labelled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_unet_nuclei.core.training import model_file
    from napari_unet_nuclei.core.training.learner import Learner

    def fail(bundle: ModelBundle) -> ModelBundle:
        raise EngineError("No OpenVINO form.")

    monkeypatch.setattr(Learner, "openvino_form", lambda *_: None)
    monkeypatch.setattr(model_file, "add_openvino_at_once", lambda bundle: bundle)
    monkeypatch.setattr(model_file, "add_openvino", fail)
    model = tmp_path / "mine.unetnuclei"
    options = ("--from", "classic", "--epochs", 1, "--steps-per-epoch", 1)
    result = run("train", labelled, "-o", model, *options, "--events", "jsonl")
    assert result.exit_code == 0, result.output
    finished = json.loads(result.stdout.splitlines()[-1])
    assert finished["warning"] == "No OpenVINO form."  # options are for people
    assert " classic" in finished["verdict"]
    assert finished["is_written"]
    assert finished["n_held_out_nuclei"] > 0
    assert finished["start_interval"] is None  # of so few nuclei
    assert read_bundle(model).openvino is None
    # The state of the run has been kept.
    result = run("train", labelled, "-o", model, *options, "--resume")
    assert result.exit_code == 0, result.output
    assert "Warning: No OpenVINO form. Train with --resume" in result.stderr
    result = run("train", labelled, "-o", model, *options, "--resume", "--seed", 1)
    assert result.exit_code == 1
    assert "Received: seed=1, which was 0." in result.output


def test_a_folder_without_annotations_is_refused(
    run: Callable[..., Result], images: Path, tmp_path: Path
) -> None:
    result = run("train", images, "-o", tmp_path / "mine.unetnuclei")
    assert result.exit_code == 1
    assert "folder with images and labels" in result.output


@pytest.mark.parametrize(
    "how",
    [
        "stdin",
        pytest.param(
            "SIGTERM",
            marks=pytest.mark.skipif(
                sys.platform == "win32",
                reason="there is no SIGTERM between processes on Windows",
            ),
        ),
    ],
)
def test_programs_can_follow_and_stop_a_run(
    how: str, labelled: Path, tmp_path: Path
) -> None:
    model = tmp_path / "mine.unetnuclei"
    command = [
        *(sys.executable, "-m", "napari_unet_nuclei", "train", labelled, "-o", model),
        *("--from", "classic", "--minutes", "30", "--steps-per-epoch", "2"),
        *("--events", "jsonl"),
        *(["--stop-with-stdin"] if how == "stdin" else []),
    ]
    with subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "step" and event["epoch"] == 1:
                break
        assert 0 <= event["progress"] < 1
        assert 0 < event["iou"] <= event["dice"] <= 1
        assert 0 < event["accuracy"] <= 1
        assert event["scores"]["dsb2018"] > 0
        if how == "stdin":
            process.stdin.close()
        else:
            process.terminate()
        assert process.wait(timeout=60) == 130
    # The best weights so far are a complete model.
    assert read_bundle(model).openvino is not None
    result = subprocess.run(
        [
            *(sys.executable, "-m", "napari_unet_nuclei", "segment"),
            *(labelled / "images", "-o", tmp_path / "out", "--model", model),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_programs_get_errors_as_events(images: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [
            *(sys.executable, "-m", "napari_unet_nuclei", "train", images),
            *("-o", tmp_path / "mine.unetnuclei", "--events", "jsonl"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    event = json.loads(result.stdout.splitlines()[-1])
    assert event["event"] == "error"
    assert "folder with images and labels" in event["message"]


def test_programs_get_settings_to_spell_in_their_own_words(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    options = ("--minutes", "-1", "--events", "jsonl")
    result = run("train", labelled, "-o", tmp_path / "mine.unetnuclei", *options)
    event = json.loads(result.stdout.splitlines()[-1])
    assert "--minutes -1" in event["message"]
    assert "{minutes}" in event["template"]
    assert event["settings"] == {"minutes": -1.0}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError(), "memory"),
    ],
)
def test_programs_hear_of_the_system_too_without_options(
    capsys: pytest.CaptureFixture[str], error: Exception, words: str
) -> None:
    with pytest.raises(type(error)), JsonReporter():
        raise error
    event = json.loads(capsys.readouterr().out)
    assert words in event["template"]
    assert "--" not in event["template"]


def test_a_model_that_is_not_better_is_not_written_where_that_is_wanted(
    run: Callable[..., Result], labelled: Path, tmp_path: Path
) -> None:
    model = tmp_path / "own" / "mine.unetnuclei"
    options = ("--from", "classic", "--epochs", 1, "--steps-per-epoch", 1)
    options += ("--learning-rate", "1e-12", "--only-better")  # teaches nothing
    result = run("train", labelled, "-o", model, *options)
    assert result.exit_code == 0, result.output
    assert "Training found nothing better than classic, which has" in result.output
    assert "because so few steps (1) teach nothing yet" in result.output
    assert f"{model} was not written. Train longer." in result.output
    assert list(model.parent.glob("[!.]*")) == []
