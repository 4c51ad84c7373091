"""Annotated data sets → the layers of one sample after the other.

Data sets in files are found by ``reader``, those to download by ``sample_data``.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning

from napari_unet_nuclei.core.datasets.dsb2018 import Dsb2018
from napari_unet_nuclei.core.errors import UNetNucleiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import SampleSource
    from napari_unet_nuclei.plugin.shared.layers import LayerData


def next_layers(data_set: SampleSource, path: str, hint: str) -> list[LayerData]:
    """Return the layers of the sample after the one that the viewer shows on top.

    So opening a data set repeatedly walks through it.  Samples that cannot be read
    are skipped, with a warning that says why.

    Parameters
    ----------
    data_set : SampleSource
        The data set.
    path : str
        Where it is; identifies its layers later.
    hint : str
        How to open the next sample; shown where there is more than one.

    Returns
    -------
    list of (data, keyword arguments, layer type)
        An image and, where the sample is annotated, its nuclei as labels.  Their
        ``metadata`` hold ``sample_id``, ``data_set`` (the path) and
        ``sample_ids`` (all in that data set).

    Raises
    ------
    DatasetError, ImageError, LabelsError
        If no sample can be read: what is wrong with the first.
    """
    ids = data_set.sample_ids
    start = _last_shown(path, ids) + 1
    number, layers = _read_first_good(data_set, [*ids[start:], *ids[:start]], path)
    if len(ids) > 1:
        show_info(
            f"Sample {number + 1:,} of {len(ids):,} in {os.path.basename(path)}. {hint}"
        )
    return layers


def _read_first_good(
    data_set: SampleSource, ids: Sequence[str], path: str
) -> tuple[int, list[LayerData]]:
    """Return the number and the layers of the first sample that can be read."""
    problems: list[UNetNucleiError] = []
    for sample_id in ids:
        try:
            layers = _read_sample(data_set, sample_id, path)
        except UNetNucleiError as error:
            problems.append(error)
            continue
        if problems:
            n_others = len(problems) - 1
            others = f" (and {n_others:,} more)" if n_others else ""
            show_warning(f"Skipped a sample that cannot be read{others}: {problems[0]}")
        return data_set.sample_ids.index(sample_id), layers
    raise problems[0]


def _last_shown(path: str, ids: Sequence[str]) -> int:
    """Return which sample the topmost layer from a data set shows, or -1."""
    if "qtpy" not in sys.modules:  # no window, and none to load Qt for
        return -1
    from napari import current_viewer

    viewer = current_viewer()
    for layer in reversed(viewer.layers if viewer else []):
        sample_id = layer.metadata.get("sample_id")
        if layer.metadata.get("data_set") == path and sample_id in ids:
            return ids.index(sample_id)
    return -1


def _read_sample(data_set: SampleSource, sample_id: str, path: str) -> list[LayerData]:
    metadata = {
        "sample_id": sample_id,
        "data_set": path,
        "sample_ids": data_set.sample_ids,
    }
    if isinstance(data_set, Dsb2018) and not data_set.has_masks(sample_id):
        return [_image_layer(data_set.read_image(sample_id), metadata)]
    sample = data_set.read_sample(sample_id)
    labels = {"name": f"{sample_id} nuclei", "metadata": metadata}
    return [_image_layer(sample.image, metadata), (sample.labels, labels, "labels")]


def _image_layer(image: NDArray[Any], metadata: dict[str, Any]) -> LayerData:
    is_rgb = image.ndim == 3 and image.shape[-1] in (3, 4)
    kwargs = {"name": metadata["sample_id"], "rgb": is_rgb, "metadata": metadata}
    return image, kwargs, "image"
