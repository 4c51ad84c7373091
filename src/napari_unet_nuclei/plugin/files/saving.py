"""Nuclei → a file that keeps scale and table, by a command in napari's menu.

napari's own dialog lists writers in the order in which it found the plugins, which no
plugin can change.  This dialog offers only the formats of this plugin.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from napari.layers import Labels
from napari.utils.history import get_save_history, update_save_history
from napari.utils.notifications import show_error, show_info, show_warning

from napari_unet_nuclei.core.batch.own_results import LABELS_ENDING
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.files.writer import (
    write_geojson,
    write_png,
    write_rle,
    write_rois,
    write_tiff,
)
from napari_unet_nuclei.plugin.shared.file_names import plain_name
from napari_unet_nuclei.plugin.shared.saved_labels import saved

if TYPE_CHECKING:
    from napari.components import ViewerModel

_WRITERS = {
    "Label image with scale and table (*.tif *.tiff)": write_tiff,
    "16-bit label image (*.png)": write_png,
    "Run lengths, Kaggle (*.csv)": write_rle,
    "Outlines for ImageJ's ROI Manager (*.zip)": write_rois,
    "Outlines and table for QuPath (*.geojson)": write_geojson,
}
_BY_SUFFIX = {
    ".tif": write_tiff,
    ".tiff": write_tiff,
    ".png": write_png,
    ".csv": write_rle,
    ".zip": write_rois,
    ".geojson": write_geojson,
}


def choose_file() -> None:
    """Ask for a file and save the selected labels; a command of napari's menu."""
    from qtpy.QtWidgets import QFileDialog

    viewer = napari.current_viewer()
    layer = labels_to_save(viewer)
    if layer is None:
        show_warning("Select one labels layer to save.")
        return
    path, kind = QFileDialog.getSaveFileName(
        viewer.window._qt_window,
        "Save nuclei with scale and table",
        propose_path(layer),
        ";;".join(_WRITERS),
    )
    if path:
        save(layer, path, kind)


def labels_to_save(viewer: ViewerModel) -> Labels | None:
    """Return the active labels layer, or the only one there is.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Where the layers are.

    Returns
    -------
    napari.layers.Labels or None
        ``None`` where that is not clear.
    """
    active = viewer.layers.selection.active
    if isinstance(active, Labels):
        return active
    labels = [layer for layer in viewer.layers if isinstance(layer, Labels)]
    return labels[0] if len(labels) == 1 else None


def propose_path(layer: Labels) -> str:
    """Return where labels would be saved: beside their image, named after it.

    Parameters
    ----------
    layer : napari.layers.Labels
        The labels.

    Returns
    -------
    str
        In the folder of the image if it is known and exists, else in the folder used
        last.
    """
    image = layer.metadata.get("image_path")
    folder = os.path.dirname(image) if isinstance(image, str) else ""
    if not os.path.isdir(folder):
        folder = str(get_save_history()[0])
    return str(Path(folder) / f"{plain_name(layer.name)}{LABELS_ENDING}.tif")


def save(layer: Labels, path: str, kind: str = "") -> None:
    """Save labels, and say where, or what went wrong.

    Parameters
    ----------
    layer : napari.layers.Labels
        The labels.
    path : str
        The file.
    kind : str
        The format chosen in the dialog; the suffix of the path takes precedence.
    """
    write: Any = _BY_SUFFIX.get(Path(path).suffix.lower()) or _WRITERS.get(
        kind, write_tiff
    )
    data, meta, _ = layer.as_layer_data_tuple()
    try:
        (written,) = write(path, data, meta)
    except UNetNucleiError as error:
        show_error(str(error))
        return
    update_save_history(written)
    saved(value=layer)
    show_info(f"Saved {written}.{_hint(written)}")


def _hint(path: str) -> str:
    """Say what opens a file that napari, by its name, would open as an image."""
    stem = Path(path).stem.lower().removesuffix(".ome")
    is_image = Path(path).suffix.lower() in (".tif", ".tiff", ".png")
    if not is_image or stem.endswith(LABELS_ENDING):
        return ""
    return (
        " Its name does not end in _masks, so drop it on the window, or open it with "
        "File ▸ IO Utilities ▸ Open label images; otherwise it opens as an image."
    )
