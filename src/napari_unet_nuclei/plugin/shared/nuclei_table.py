"""The table of a labels layer, without background and empty rows, and its csv."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.instances.measurements import write_features_csv
from napari_unet_nuclei.core.writing.outputs import file_id
from napari_unet_nuclei.plugin.shared.file_names import file_stem, plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.layers import Labels
    from numpy.typing import NDArray

Table = dict[str, "NDArray[Any]"]


def nuclei_table(layer: Labels) -> Table | None:
    """Return all columns of the table of a labels layer, with a row for each nucleus.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.

    Returns
    -------
    dict of str to (N,) ndarray, or None
        ``label`` first, then the columns of this and of other plugins; ``None`` if
        nothing was measured.
    """
    return table_of(layer.features)


def table_of(features: Any) -> Table | None:
    """Return the same of the features of a layer, as `nuclei_table` does of a layer.

    Parameters
    ----------
    features : pandas.DataFrame or None
        The features.
    """
    if features is None or "area" not in features:
        return None
    is_nucleus = features["area"].notna().to_numpy()
    labels = np.arange(len(features))
    if "index" in features:
        labels = features["index"].to_numpy()
    table: Table = {"label": labels[is_nucleus].astype(np.int64)}
    for name in features:
        if name != "index":
            table[str(name)] = features[name].to_numpy()[is_nucleus]
    return table


def number_columns(table: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a table that hold numbers, truth values as 0 and 1."""
    columns = {}
    for name, values in table.items():
        if name == "label":
            continue
        if values.dtype.kind in "buif":
            columns[name] = values.astype(np.float64)
        elif all(isinstance(value, bool | np.bool_ | None) for value in values):
            known = [np.nan if value is None else value for value in values]
            columns[name] = np.array(known, np.float64)
    return columns


def propose_csv(layer: Labels, folder: str) -> str:
    """Return where the table of a layer would be saved.

    Parameters
    ----------
    layer : napari.layers.Labels
        The layer.
    folder : str
        Used where the image of the layer is not from a file.

    Returns
    -------
    str
        Such as ``photos/cells_nuclei.csv``, beside the image.
    """
    image = layer.metadata.get("image_path")
    if isinstance(image, str) and os.path.isdir(os.path.dirname(image)):
        return str(Path(image).with_name(f"{file_stem(image)}_nuclei.csv"))
    return str(Path(folder) / f"{plain_name(layer.name)}_nuclei.csv")


def save_csv(path: str, table: Table, *, is_agreed: bool) -> str:
    """Write a table into a csv.

    Parameters
    ----------
    path : str
        The file; ``.csv`` is appended where the suffix is left out.
    table : dict of str to (N,) ndarray
        What `nuclei_table` returns.
    is_agreed : bool
        Whether the user has agreed to replace a file of exactly this name.

    Returns
    -------
    str
        The file that was written.

    Raises
    ------
    OutputError
        If it cannot be written, or would replace another one.
    """
    complete = path if path.lower().endswith(".csv") else f"{path}.csv"
    may_replace = is_agreed and (complete == path or file_id(complete) is None)
    write_features_csv(complete, table, may_replace=may_replace)
    return complete
