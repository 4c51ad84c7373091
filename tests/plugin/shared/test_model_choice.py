from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog

from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice, models_changed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from pytestqt.qtbot import QtBot


def texts(choice: ModelChoice) -> list[str]:
    return [choice.native.itemText(row) for row in range(len(choice))]


def choose_file_entry(choice: ModelChoice) -> None:
    """Do what a click on the last entry does."""
    row = len(choice) - 1
    choice.native.setCurrentIndex(row)
    choice.native.activated.emit(row)


def test_shipped_models_come_first(
    qtbot: QtBot,
    make_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shipped = {name: tmp_path / name for name in ("resnet", "classic")}
    monkeypatch.setattr(model_store, "shipped_models", lambda: shipped)
    make_model("mine")
    make_model("resnet")  # hidden by the shipped one, as on the command line
    choice = ModelChoice()
    assert texts(choice) == [
        "ResNet (best)",
        "Classic (fast)",
        "mine",
        "Manage models …",
        "File …",
    ]
    assert choice.model == "resnet"


def test_without_models_none_is_chosen(qtbot: QtBot, user_folder: Path) -> None:
    assert ModelChoice().model is None


def test_a_new_model_appears_and_the_choice_stays(
    qtbot: QtBot, make_model: Callable[..., Path]
) -> None:
    make_model("b")
    choice = ModelChoice()
    make_model("a")
    models_changed()
    assert texts(choice) == ["a", "b", "Manage models …", "File …"]
    assert choice.model == "b"


def test_a_file_can_be_opened(
    qtbot: QtBot,
    make_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    make_model("mine")
    choice = ModelChoice()
    path = tmp_path / "colleague.unetnuclei"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    choose_file_entry(choice)
    assert choice.model == str(path)
    assert choice.current_choice == "colleague.unetnuclei"
    choose_file_entry(choice)
    assert texts(choice).count("colleague.unetnuclei") == 1


def test_closing_the_dialog_keeps_the_model(
    qtbot: QtBot, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model("mine")
    choice = ModelChoice()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    choose_file_entry(choice)
    assert choice.model == "mine"


def test_a_destroyed_list_hears_no_more_of_models(
    qtbot: QtBot, user_folder: Path
) -> None:
    choice = ModelChoice()
    with qtbot.waitSignal(choice.native.destroyed):
        choice.native.deleteLater()
    models_changed()
