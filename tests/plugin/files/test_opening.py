"""What opening the widgets costs, in a process that has done nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, sys
from napari.components import ViewerModel
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication
app = QApplication([])
viewer = ViewerModel()
before = set(sys.modules)
from napari_unet_nuclei.plugin.segment.widget import SegmentWidget
from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget
widgets = SegmentWidget(viewer), FineTuneWidget(viewer)
print(json.dumps(sorted(set(sys.modules) - before)), flush=True)
for widget in widgets:  # PyQt may crash where it has to delete many by itself
    widget.close()
    widget.native.deleteLater()
app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
"""


def test_opening_the_widgets_loads_nothing_heavy() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    loaded = set(json.loads(finished.stdout.splitlines()[-1]))
    heavy = {"keras", "tensorflow", "openvino", "matplotlib", "tifffile"}
    assert loaded.isdisjoint(heavy)
    assert "napari_unet_nuclei.core.segmentation.model" not in loaded
