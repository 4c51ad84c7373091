from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.cli.importing_ahead import importing_ahead

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a package that waits until somebody lets it go on."""
    (tmp_path / "slow_package.py").write_text(
        "import pathlib, time, threading\n"
        "thread = threading.current_thread()\n"
        "while not pathlib.Path(__file__).with_name('go').exists():\n"
        "    time.sleep(0.01)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "slow_package"


def test_a_package_is_imported_meanwhile(package: str, tmp_path: Path) -> None:
    with importing_ahead(package, debug=True):
        (tmp_path / "go").touch()  # the import does not keep this line waiting
    assert sys.modules.pop(package).thread.name == f"importing {package}"


def test_an_error_meanwhile_waits_for_it(package: str, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    waiting = importing_ahead(package, debug=True)
    waiting.__enter__()
    assert not waiting.__exit__(ValueError, ValueError("bad"), None)
    assert sys.modules.pop(package)


def test_a_package_that_is_missing_is_for_others_to_miss() -> None:
    with importing_ahead("no_such_package", debug=True):
        pass
