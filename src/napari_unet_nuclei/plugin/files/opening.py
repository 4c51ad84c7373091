"""Samples, data sets, labels and outlines → a viewer, by commands in napari's menu.

napari chooses a reader by the name of a file, and offers every reader of folders for
every folder.  The manifest therefore claims no folder; folders are opened here, and so
are files of any name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import napari
from napari.layers import Layer
from napari.layers._source import layer_source  # what viewer.open notes, too
from napari.utils.notifications import show_error
from npe2 import PluginManager

from napari_unet_nuclei.core.errors import DatasetError, UNetNucleiError
from napari_unet_nuclei.core.files.outline_reading import is_outline_file
from napari_unet_nuclei.plugin.files.outline_reader import read_outline_file
from napari_unet_nuclei.plugin.files.reader import get_reader, read
from napari_unet_nuclei.plugin.shared.label_files import read_label_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from qtpy.QtWidgets import QWidget

_NAME = "napari-unet-nuclei"
_FILTER = (
    "Label images, outlines and zips "
    "(*.tif *.tiff *.png *.zip *.roi *.geojson);;All files (*)"
)


def open_paths(
    viewer: ViewerModel, paths: Sequence[str | os.PathLike[str]]
) -> list[Layer]:
    """Open samples, data sets and labels, whatever their names are.

    The same as ``viewer.open(path, plugin="napari-unet-nuclei")`` for files whose names
    the manifest claims; it opens folders and other files, too.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Where the layers go.
    paths : sequence of path
        Sample folders, data sets, folders of results, zips, label images, files of
        outlines, which become labels of the size of an image that is open.

    Returns
    -------
    list of napari.layers.Layer
        The new layers.

    Raises
    ------
    DatasetError
        If a folder or zip holds neither samples nor labels.
    ImageError, LabelsError
        If a file cannot be read, or holds no labels.
    """
    added = []
    for path in [os.fspath(each) for each in paths]:
        is_zip = path.lower().endswith(".zip")
        if is_outline_file(path):
            layers = [read_outline_file(path, viewer.layers)]
        elif get_reader(path) is not None:
            layers = read(path)
        elif os.path.isdir(path) or is_zip:
            raise DatasetError(
                "Expected a DSB2018 sample or data set, or label images that this "
                f"program wrote. Received: {path}. Choose the folder or zip that holds "
                "them, or open it with napari's own File menu."
            )
        else:
            layers = [read_label_file(path)]
        with layer_source(path=path, reader_plugin=_NAME):
            added += [viewer.add_layer(Layer.create(*each)) for each in layers]
    return added


def choose_folder() -> None:
    """Ask for a folder and open its samples or labels; a command of napari's menu."""
    from qtpy.QtWidgets import QFileDialog

    viewer = napari.current_viewer()
    folder = QFileDialog.getExistingDirectory(
        _parent(viewer), "Open DSB2018 folder or results", _last_folder()
    )
    if folder:
        show_paths(viewer, [folder])


def choose_files() -> None:
    """Ask for files and open them as labels or samples; a command of napari's menu."""
    from qtpy.QtWidgets import QFileDialog

    viewer = napari.current_viewer()
    files, _ = QFileDialog.getOpenFileNames(
        _parent(viewer),
        "Open label images, outlines or DSB2018 zip",
        _last_folder(),
        _FILTER,
    )
    if files:
        show_paths(viewer, files)


def show_paths(viewer: ViewerModel, paths: Sequence[str]) -> None:
    """Open paths, and show what went wrong as napari does.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Where the layers go.
    paths : sequence of str
        As in `open_paths`.
    """
    from napari.utils.history import update_open_history

    try:
        open_paths(viewer, paths)
    except UNetNucleiError as error:
        show_error(str(error))
    else:
        update_open_history(paths[0])


def _parent(viewer: Any) -> QWidget:
    """Return the window, in which drops are watched from now on."""
    plugins = PluginManager.instance()
    if _NAME in plugins:  # a command from the menu does not activate a plugin
        plugins.activate(_NAME)
    return cast("QWidget", viewer.window._qt_window)


def _last_folder() -> str:
    from napari.utils.history import get_open_history

    return str(get_open_history()[0])
