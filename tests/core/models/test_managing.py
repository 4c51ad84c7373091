"""Models are renamed, deleted and copied with all that belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import ModelError, OutputError
from napari_unet_nuclei.core.models import store
from napari_unet_nuclei.core.models.managing import (
    delete_model,
    export_model,
    import_model,
    list_known,
    rename_model,
)
from napari_unet_nuclei.core.models.notes import read_notes, write_notes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the user's models, with one in it."""
    folder = tmp_path / "models"
    monkeypatch.setattr(store, "user_model_folder", lambda: folder)
    import_model(store.shipped_models()["classic"], "mine")
    (folder / "mine.csv").write_text("a log")
    write_notes(folder / "mine.unetnuclei", "of the lab of Ada")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_all_models_are_listed_with_what_their_files_say(folder: Path) -> None:
    (folder / "broken.unetnuclei").write_bytes(b"no zip")
    known = {model.name: model for model in list_known()}
    assert list(known) == ["resnet", "classic", "broken", "mine"]
    assert known["classic"].is_shipped
    mine = known["mine"]
    assert not mine.is_shipped
    assert mine.notes == "of the lab of Ada"
    assert mine.n_bytes == mine.path.stat().st_size
    assert mine.config is not None
    assert mine.config.architecture == "classic"
    assert mine.changed is not None
    assert known["broken"].config is None
    assert "broken.unetnuclei" in known["broken"].problem


def test_a_model_is_renamed_with_its_log_and_notes(folder: Path) -> None:
    assert rename_model("mine", "lab 1.2") == folder / "lab 1.2.unetnuclei"
    assert names(folder) == ["lab 1.2.csv", "lab 1.2.notes.txt", "lab 1.2.unetnuclei"]
    assert read_notes(folder / "lab 1.2.unetnuclei") == "of the lab of Ada"
    (folder / "new.csv").write_text("of another training")
    with pytest.raises(OutputError, match=r"new\.csv exists"):
        rename_model("lab 1.2", "new")
    assert "lab 1.2.unetnuclei" in names(folder)


def test_a_deleted_model_can_be_brought_back(folder: Path) -> None:
    content = (folder / "mine.unetnuclei").read_bytes()
    deleted = delete_model("mine")
    assert deleted == folder / "deleted" / "mine.unetnuclei"
    assert "mine" not in store.user_models()
    assert names(folder) == []
    import_model(deleted, "mine")
    assert (folder / "mine.unetnuclei").read_bytes() == content
    assert read_notes(folder / "mine.unetnuclei") == "of the lab of Ada"
    assert delete_model("mine").name == "mine-2.unetnuclei"


def test_shipped_models_stay(folder: Path) -> None:
    for act in (delete_model, lambda name: rename_model(name, "other")):
        with pytest.raises(ModelError, match="came with this package"):
            act("resnet")
        with pytest.raises(ModelError, match="may have been deleted"):
            act("nowhere")


def test_copies(folder: Path, tmp_path: Path) -> None:
    mine = folder / "mine.unetnuclei"
    export_model(mine, tmp_path / "copy.unetnuclei")
    assert (tmp_path / "copy.unetnuclei").read_bytes() == mine.read_bytes()
    with pytest.raises(OutputError, match="which is the model itself"):
        export_model(mine, mine)
    with pytest.raises(OutputError, match=r"ends in \.unetnuclei"):
        export_model(mine, tmp_path / "copy.zip")


def test_only_whole_models_come_in(folder: Path, tmp_path: Path) -> None:
    content = bytearray((folder / "mine.unetnuclei").read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "damaged.unetnuclei").write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        import_model(tmp_path / "damaged.unetnuclei", "damaged")
    assert "damaged" not in store.user_models()
    with pytest.raises(OutputError, match="appeared"):
        import_model(folder / "mine.unetnuclei", "mine")


def test_what_cannot_be_moved_stays_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    before, rename = names(folder), os.rename

    def refuse(path: Path, target: Path) -> None:
        if str(path).endswith(".unetnuclei"):
            raise PermissionError(13, "It is open in another program")
        rename(path, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OutputError, match="open in another program"):
        delete_model("mine")
    assert names(folder) == before
