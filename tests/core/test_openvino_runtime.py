from __future__ import annotations

import subprocess
import sys

import pytest

from napari_unet_nuclei.core.openvino_runtime import import_openvino


def printed_by(program: str) -> list[str]:
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return finished.stdout.split()


@pytest.mark.parametrize(
    "use",
    [
        "from napari_unet_nuclei import load_model\nload_model('classic')",
        "from napari_unet_nuclei.core.engines.devices import openvino_devices\n"
        "openvino_devices()",
    ],
    ids=["engine", "devices"],
)
def test_nobody_is_told_of_what_is_computed(use: str) -> None:
    program = (
        f"{use}\n"
        "import sys\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "print(telemetry_utils.tm.__name__, 'openvino_telemetry' in sys.modules)"
    )
    assert printed_by(program) == ["openvino.tools.ovc.telemetry_stub", "False"]


def test_what_somebody_else_has_imported_stays() -> None:
    program = (
        "import sys\n"
        "telemetry = sys.modules['openvino_telemetry'] = type(sys)('telemetry')\n"
        "from napari_unet_nuclei.core.openvino_runtime import import_openvino\n"
        "try:\n"
        "    import_openvino()\n"
        "except ImportError:\n"
        "    pass\n"
        "print(sys.modules['openvino_telemetry'] is telemetry)"
    )
    assert printed_by(program) == ["True"]


def test_without_openvino_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError):
        import_openvino()
    assert sys.modules.get("openvino_telemetry", "never imported") is not None
