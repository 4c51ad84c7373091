from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from napari_unet_nuclei.plugin.shared import remembered
from napari_unet_nuclei.plugin.shared.remembered import memory_path, recall, remember

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return where napari's settings and ours are kept in this test."""
    monkeypatch.setenv("NAPARI_CONFIG", str(tmp_path / "napari" / "settings.yaml"))
    path = memory_path()
    assert path is not None
    return path


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(remembered, "show_warning", told.append)
    return told


def test_values_are_kept_beside_each_other(memory: Path, warnings: list[str]) -> None:
    assert recall("segment") == {}
    remember("segment", {"threshold": 0.4, "stain": "he"})
    remember("browse", {"folder": "/data"})
    remember("segment", {"threshold": 0.5})
    assert recall("segment") == {"threshold": 0.5}
    assert recall("browse") == {"folder": "/data"}
    assert [each.name for each in memory.parent.iterdir()] == [memory.name]
    assert warnings == []


@pytest.mark.parametrize(
    "content", [b"{", b"[1, 2]", b"\xff\xfe\x00", b"null", b'{"segment": [1]}']
)
def test_a_broken_file_is_ignored_and_replaced(
    memory: Path, warnings: list[str], content: bytes
) -> None:
    memory.parent.mkdir()
    memory.write_bytes(content)
    assert recall("segment") == {}
    assert recall("segment") == {}
    if content.startswith(b'{"'):
        assert warnings == []
    else:
        (sentence,) = warnings
        assert sentence.startswith(f"{memory} is ignored, because it cannot be read")
    remember("segment", {"a": 1})
    assert json.loads(memory.read_text()) == {"segment": {"a": 1}}


def test_a_folder_that_cannot_be_written_is_said_once(
    memory: Path, warnings: list[str]
) -> None:
    memory.parent.write_text("a file where the folder should be")
    remember("segment", {"a": 1})
    remember("segment", {"a": 2})
    (sentence,) = warnings
    assert sentence.startswith("The settings of the widgets are not kept: ")


def test_nothing_is_kept_where_napari_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NAPARI_CONFIG", "")
    remember("segment", {"a": 1})
    assert memory_path() is None
    assert recall("segment") == {}


def test_usually_it_is_in_the_users_own_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def folder(name: str, **_: Any) -> Path:
        return tmp_path / name

    monkeypatch.delenv("NAPARI_CONFIG")
    monkeypatch.setattr(remembered, "user_config_path", folder)
    assert memory_path() == tmp_path / "napari-unet-nuclei" / "widgets.json"
