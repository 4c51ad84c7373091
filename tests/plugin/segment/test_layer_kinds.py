"""Every kind of image layer there is: what is understood, found and placed.

The kinds are those of ``benchmarks/layer_kinds.py``, which prints the same walk as a
table, with a real network.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from napari.components import ViewerModel

from napari_unet_nuclei.plugin.segment.widget import SegmentWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from conftest import BrightnessEngine

_SCRIPT = Path(__file__).parents[3] / "benchmarks" / "layer_kinds.py"


def _load_script() -> Any:
    spec = importlib.util.spec_from_file_location("layer_kinds", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


layer_kinds = _load_script()
MODULES = {"dask": "dask", "zarr": "zarr", "HDF5": "h5py"}


@pytest.fixture
def widget(
    qtbot: QtBot, engine: BrightnessEngine, make_model: Callable[..., Path]
) -> SegmentWidget:
    make_model("tiny", threshold=0.45)
    widget = SegmentWidget(ViewerModel())
    qtbot.addWidget(widget.native)
    return widget


# What napari itself says of odd layers.
@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero) encountered")
@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
@pytest.mark.filterwarnings("ignore:Contours are not displayed")
@pytest.mark.parametrize("name", layer_kinds.KINDS)
def test_each_kind_of_layer_is_understood_and_its_nuclei_lie_on_it(
    name: str, widget: SegmentWidget, qtbot: QtBot, notifications: list[str]
) -> None:
    for kind_of, module in MODULES.items():
        if name.startswith(kind_of):
            pytest.importorskip(module)
    kind = layer_kinds.KINDS[name]

    def wait(_: object) -> None:
        qtbot.waitUntil(
            lambda: not widget.panel.is_running and widget._splitting.is_idle,
            timeout=30_000,
        )

    row = layer_kinds.walk(kind, widget, widget._viewer, wait)
    if not row.is_possible:
        assert kind.refusal
        return
    if kind.axes:
        assert row.understood.startswith(f"{kind.axes}, ")
        assert kind.doubt in row.understood
        assert bool(kind.doubt) == (
            "write" in row.understood or "read as" in row.understood
        )
    if kind.refusal:
        assert kind.refusal in row.shown
        assert len(notifications) == 1
        assert row.n is None
    else:
        assert notifications == []
        assert (row.n is None) == kind.nothing
        if not kind.nothing:
            assert row.n == kind.n
            assert row.is_placed
    assert widget.panel.run_button.enabled
