"""The samples in napari's menu *File → Open Sample*.

Two come with the package (``core.datasets.examples``); two are data sets that are
downloaded when they are opened for the first time (``core.datasets.downloads``), which
may raise `DownloadCancelledError`, `DownloadError` or `OutputError`.  Each function
returns layers as napari takes them from plugins.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.examples import (
    immunohistochemistry,
    synthetic_nuclei,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.plugin.shared.layers import LayerData


def open_immunohistochemistry() -> list[LayerData]:
    """Return stained tissue, colonic glands with haematoxylin and DAB, in RGB."""
    name = "immunohistochemistry"
    kwargs = {"name": name, "rgb": True, "metadata": {"sample_id": name}}
    return [(immunohistochemistry().image, kwargs, "image")]


def open_synthetic_nuclei() -> list[LayerData]:
    """Return drawn fluorescent nuclei, a grey image, and their true labels."""
    name = "synthetic fluorescence"
    sample = synthetic_nuclei()
    metadata = {"sample_id": "synthetic_nuclei"}
    image = {"name": name, "metadata": metadata}
    labels = {"name": f"{name}, ground truth", "metadata": metadata}
    return [(sample.image, image, "image"), (sample.labels, labels, "labels")]


def open_dsb2018_fluorescence() -> list[LayerData]:
    """Return the next image of the fluorescence subset of DSB2018, and its nuclei."""
    return _open_next("dsb2018_fluorescence")


def open_stage1_train() -> list[LayerData]:
    """Return the next image of stage 1 of DSB2018, all stainings, and its nuclei."""
    return _open_next("stage1_train")


def _open_next(name: str) -> list[LayerData]:
    from napari_unet_nuclei.core.datasets.opening import open_samples
    from napari_unet_nuclei.plugin.files.data_set_layers import next_layers

    path = _fetch(name)
    return next_layers(
        open_samples(path), str(path), hint="Open the sample again for the next one."
    )


def _fetch(name: str) -> Path:
    if "qtpy" in sys.modules:
        from qtpy.QtWidgets import QApplication

        if QApplication.instance() is not None:
            from napari_unet_nuclei.plugin.files.download_dialog import (
                fetch_with_dialog,
            )

            return fetch_with_dialog(name)
    from napari_unet_nuclei.core.datasets.downloads import fetch

    return fetch(name)  # in a script there is no window that could freeze
