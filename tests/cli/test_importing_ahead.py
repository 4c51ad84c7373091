from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.cli.importing_ahead import importing_ahead

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What the package waits for."""
    event = threading.Event()
    monkeypatch.setitem(sys.modules, "gate", SimpleNamespace(event=event))
    return event


@pytest.fixture
def package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> str:
    """Write a package that waits until somebody opens the gate."""
    (tmp_path / "slow_package.py").write_text(
        "import gate, threading\n"
        "thread = threading.current_thread()\n"
        "gate.event.wait()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "slow_package"


def test_a_package_is_imported_meanwhile(package: str, gate: threading.Event) -> None:
    with importing_ahead(package, debug=True):
        gate.set()  # the import does not keep this line waiting
    assert sys.modules.pop(package).thread.name == f"importing {package}"


def test_an_error_meanwhile_waits_for_it(package: str, gate: threading.Event) -> None:
    gate.set()
    waiting = importing_ahead(package, debug=True)
    waiting.__enter__()
    assert not waiting.__exit__(ValueError, ValueError("bad"), None)
    assert sys.modules.pop(package)


def test_a_package_that_is_missing_is_for_others_to_miss() -> None:
    with importing_ahead("no_such_package", debug=True):
        pass
