from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("loaded", "is_late"), [("keras", False), ("nothing", True)])
def test_a_process_that_loaded_keras_does_not_wait_for_its_end(
    loaded: str, is_late: bool
) -> None:
    program = (
        "import atexit, sys\n"
        "atexit.register(print, 'late')\n"
        f"sys.modules['{loaded}'] = sys\n"
        "sys.argv = ['napari-unet-nuclei', '--version']\n"
        "from napari_unet_nuclei.cli import main\n"
        "main()\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    said = finished.stdout.splitlines()
    assert said[0][0].isdigit()
    assert ("late" in said) is is_late
