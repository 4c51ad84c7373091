"""The page for contributors says what is: its paths exist, its packages are all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_unet_nuclei"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:core|plugin|cli)/[\w/]+(?:\.py)?)`", PAGE)))


def test_the_page_names_paths() -> None:
    assert len(PATHS) > 15


@pytest.mark.parametrize("path", PATHS)
def test_a_path_exists(path: str) -> None:
    assert (PACKAGE / path).exists()


def test_every_package_of_the_core_has_its_row() -> None:
    packages = {
        folder.parent.name for folder in (PACKAGE / "core").glob("*/__init__.py")
    }
    rows = set(re.findall(r"^\| [^|]*\| `(\w+)` \|", PAGE, re.M))
    assert rows == packages


def test_every_name_of_a_class_exists() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")
    )
    names = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", PAGE))
    assert names
    missing = {name for name in names if f"class {name}" not in sources}
    assert not missing
