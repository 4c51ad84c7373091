from __future__ import annotations

from pathlib import Path

import pytest

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.models.store import (
    FOLDER_VARIABLE,
    find_model,
    shipped_models,
    user_model_folder,
    user_models,
)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Make empty folders of shipped models and of the user's."""
    shipped, data = tmp_path / "package" / "weights", tmp_path / "data"
    shipped.mkdir(parents=True)
    module = shipped.parent / "core" / "models" / "store.py"
    monkeypatch.setattr(model_store, "__file__", str(module))
    monkeypatch.setattr(model_store, "user_data_path", lambda *_, **__: data)
    return shipped, data / "models"


def test_models_are_found_by_name(folders: tuple[Path, ...]) -> None:
    shipped, own = folders
    assert user_model_folder() == own
    assert shipped_models() == user_models() == {}
    for name in "classic", "resnet", "resnet50":
        (shipped / f"{name}.unetnuclei").touch()
    own.mkdir(parents=True)
    for name in "mine", "classic":
        (own / f"{name}.unetnuclei").touch()
    (own / "notes.txt").touch()
    assert list(shipped_models()) == ["resnet", "classic", "resnet50"]
    assert list(user_models()) == ["classic", "mine"]
    assert find_model("mine") == own / "mine.unetnuclei"
    # A shipped model cannot be hidden by accident.
    assert find_model("classic") == shipped / "classic.unetnuclei"


def test_the_environment_may_name_another_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "lab"))
    assert user_model_folder() == tmp_path / "lab"
    monkeypatch.setenv(FOLDER_VARIABLE, "~/lab")
    assert user_model_folder() == Path.home() / "lab"


@pytest.mark.usefixtures("folders")
def test_models_are_found_by_path(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.unetnuclei"
    path.touch()
    assert find_model(path) == path
    assert find_model(str(path)) == path


def test_what_is_not_found_says_what_there_is(folders: tuple[Path, ...]) -> None:
    with pytest.raises(ModelError, match=r"\(none is installed\).*'resnet'"):
        find_model("resnet")
    (folders[0] / "resnet.unetnuclei").touch()
    with pytest.raises(ModelError, match=r"\(resnet\).*Received: 'vgg'"):
        find_model("vgg")
