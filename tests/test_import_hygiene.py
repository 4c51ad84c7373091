"""Who loads what: a start-up stays fast, and the core needs no screen.

Each test asks a fresh interpreter, since this one has long loaded everything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "napari_unet_nuclei"
TRAINING = {"networks", "training"}  # the packages that may load Keras
KERAS = {"jax", "keras", "tensorflow", "torch"}
SCREEN = {"PyQt5", "PyQt6", "PySide2", "PySide6", "magicgui", "napari", "qtpy"}
SCREEN |= {"superqt", "vispy"}


def modules(folder: str) -> list[str]:
    """Return the dotted names of all modules of a folder of the package."""
    names = []
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def loaded_by(names: list[str]) -> dict[str, set[str]]:
    """Return the top-level packages that each import newly brought in, in order."""
    program = (
        "import importlib, json, sys\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    before = set(sys.modules)\n"
        "    importlib.import_module(name)\n"
        "    new = set(sys.modules) - before\n"
        "    found[name] = sorted({each.partition('.')[0] for each in new})\n"
        "print(json.dumps(found))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, *names],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout.splitlines()[-1])
    return {name: set(packages) for name, packages in found.items()}


def offenders(names: list[str], unwanted: set[str]) -> dict[str, set[str]]:
    """Return the modules that bring in unwanted packages, and which ones."""
    return {
        name: packages & unwanted
        for name, packages in loaded_by(names).items()
        if packages & unwanted
    }


def test_the_package_alone_loads_nothing_but_itself() -> None:
    (packages,) = loaded_by(["napari_unet_nuclei"]).values()
    assert packages - sys.stdlib_module_names == {"napari_unet_nuclei"}


def test_the_public_names_are_listed_before_they_are_loaded() -> None:
    import napari_unet_nuclei

    assert set(napari_unet_nuclei.__all__) <= set(dir(napari_unet_nuclei))
    with pytest.raises(AttributeError, match="has no attribute 'fit'"):
        napari_unet_nuclei.fit  # noqa: B018


@pytest.mark.parametrize("name", ["evaluate", "load_model", "segment", "train"])
def test_each_public_name_can_be_had(name: str) -> None:
    import napari_unet_nuclei

    assert callable(getattr(napari_unet_nuclei, name))


def test_segmenting_loads_no_keras() -> None:
    light = [name for name in modules("core") if not TRAINING & set(name.split("."))]
    assert offenders(light, KERAS) == {}


def test_the_core_loads_nothing_of_a_screen() -> None:
    assert offenders(modules("core"), SCREEN) == {}


def test_the_command_line_loads_neither_a_screen_nor_keras() -> None:
    assert offenders(["napari_unet_nuclei.cli"], SCREEN | KERAS) == {}


def test_the_plugin_loads_no_keras() -> None:
    """TensorFlow and Mesa's OpenGL each bring an LLVM; together they crash."""
    assert offenders(modules("plugin"), KERAS) == {}


def test_a_warm_model_brings_no_napari_where_there_is_none() -> None:
    program = (
        "import sys\n"
        "from napari_unet_nuclei.plugin.segment.warm_model import WarmModel\n"
        "WarmModel().load('classic')\n"
        "print({'napari', 'qtpy', 'PyQt6'} & sys.modules.keys() or 'none')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert finished.stdout == "none\n"
