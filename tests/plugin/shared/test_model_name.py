from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.plugin.shared.model_name import (
    check_model_name,
    free_model_name,
    model_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.usefixtures("user_folder")
@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("mine", "mine"),
        ("  two words ", "two words"),
        ("v1.2_b-c", "v1.2_b-c"),
        ("Zellkerne größer", "Zellkerne größer"),
        ("cafe\u0301", "caf\u00e9"),
        ("細胞核", "細胞核"),
        ("console", "console"),
        ("x" * 100, "x" * 100),
    ],
)
def test_these_are_names(typed: str, name: str) -> None:
    assert check_model_name(typed) == name


@pytest.mark.usefixtures("user_folder")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "needs a name"),
        ("   ", "needs a name"),
        ("a/b", "Received: '/'"),
        ("a\\b", "Received: '"),
        ("../x", "Received: '/'"),
        ("a:b", "Received: ':'"),
        ("a\tb", "Received: '"),
        ("smile 😀", "Received: '😀'"),
        (".hidden", "must begin with a letter or digit"),
        ("-o", "must begin with a letter or digit"),
        ("end.", "must not end with a dot"),
        ("CON", "belongs to a device"),
        ("nul.v2", "belongs to a device"),
        ("Com1", "belongs to a device"),
        ("x" * 300, r"up to 100 characters. Received: 300"),
        ("細" * 100, r"up to 66 characters. Received: 100"),
    ],
)
def test_these_are_none(typed: str, words: str) -> None:
    with pytest.raises(TrainingError, match=words) as caught:
        check_model_name(typed)
    assert len(str(caught.value)) < 150


def test_the_longest_names_can_be_written(user_folder: Path) -> None:
    user_folder.mkdir()
    for name in ("x" * 100, "é" * 100, "細" * 66):
        path = model_path(name)
        for suffix in (".unetnuclei", ".state.npz", ".csv", ".png"):
            path.with_suffix(suffix).touch()


def test_names_of_other_models_are_refused(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, user_folder: Path
) -> None:
    make_model("Mine")
    (user_folder / "left.state.npz").touch()
    for name in ("Mine", "mine", " MINE ", "left"):
        with pytest.raises(TrainingError, match="already exists"):
            check_model_name(name)
    assert check_model_name("mine too") == "mine too"
    monkeypatch.setattr(model_store, "shipped_models", lambda: {"resnet": user_folder})
    with pytest.raises(TrainingError, match="belongs to a model of this package"):
        check_model_name("ResNet")


def test_a_free_name_has_neither_model_nor_log(user_folder: Path) -> None:
    assert free_model_name() == "my-nuclei"
    user_folder.mkdir()
    (user_folder / "My-nuclei.unetnuclei").touch()
    (user_folder / "my-nuclei-2.csv").touch()
    assert free_model_name() == "my-nuclei-3"
    check_model_name(free_model_name())
