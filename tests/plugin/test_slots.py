"""What Qt calls when an object goes."""

from __future__ import annotations

import ast
from pathlib import Path

from napari_unet_nuclei import plugin


def slots_of_destroyed(path: Path) -> list[ast.expr]:
    """Return what a module connects to the signal that Qt sends last."""
    return [
        call.args[0]
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "connect"
        and isinstance(call.func.value, ast.Attribute)
        and call.func.value.attr == "destroyed"
    ]


def test_only_methods_are_called_when_an_object_goes() -> None:
    """Qt holds methods weakly.

    It keeps functions, and calls them even after the garbage collector of a worker's
    thread has cleared them, which ends the process.
    """
    (folder,) = plugin.__path__
    slots = {
        f"{path.name}:{slot.lineno}": slot
        for path in Path(folder).rglob("*.py")
        for slot in slots_of_destroyed(path)
    }
    assert len(slots) > 15
    assert [
        place for place, slot in slots.items() if not isinstance(slot, ast.Attribute)
    ] == []
