"""Labels layers → samples of a DSB2018 data set, an entry in napari's save dialog.

The dialog asks about the folder of the data set only; masks and images that another
program has put into a sample are protected here.  Label images are written in
``writer``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info

from napari_unet_nuclei.core.datasets.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.datasets.dsb2018_writing import (
    write_dsb2018_masks,
    write_dsb2018_sample,
)
from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.plugin.files.writer import (
    images_by_path,
    path_in,
    sample_id_of,
    single_plane,
)
from napari_unet_nuclei.plugin.shared.layer_records import stamp_of
from napari_unet_nuclei.plugin.shared.layers import labels_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]+')

_written_samples: set[str] = set()
"""Folders of samples that were saved since napari was started."""


def write_dsb2018(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer of a single plane as a sample of a DSB2018 data set.

    A writer as described in ``writer``; ``path`` is the folder of the data set, and is
    created if missing.  The masks go to ``<path>/<id>/masks``, where the id is the
    ``sample_id`` of the layer's metadata, else its name.  If the metadata say which
    file or sample the labels were made from, its image goes to ``<path>/<id>/images``.

    Returns
    -------
    list of str
        The folder of the sample.

    Raises
    ------
    OutputError
        Also if the sample has masks that this session of napari did not write, or
        another image.
    """
    labels = single_plane(*labels_array(data, meta), "A DSB2018 sample")
    sample_id = _FORBIDDEN.sub("_", sample_id_of(meta)).strip(" .")
    sample = Path(path) / sample_id
    image = _read_source(meta.get("metadata") or {}, labels.shape)
    has_image = _check_sample(sample, image)
    if image is not None and not has_image:
        write_dsb2018_sample(path, sample_id, image, labels)
    else:
        write_dsb2018_masks(path, sample_id, labels)
        if not (sample / "images").is_dir():
            image_path = sample / "images" / f"{sample_id}.png"
            show_info(f"Saved masks only: a full sample needs {image_path} too.")
    _written_samples.add(os.path.realpath(sample))
    return [str(sample)]


def _check_sample(sample: Path, image: NDArray[Any] | None) -> bool:
    """Refuse a sample with other content; return whether its image is there already."""
    if os.path.realpath(sample) in _written_samples:
        return False
    if masks := _list(sample / "masks"):
        raise OutputError(
            "Expected a sample folder without masks from elsewhere. Received: "
            f"{sample / 'masks'} with {masks[0].name}. Choose another folder, or move "
            "these masks away."
        )
    images = _list(sample / "images")
    if image is not None and images and not _is_same_image(images, image):
        raise OutputError(
            "Expected a sample folder without another image. Received: "
            f"{images[0]}, which is not the image that the labels were made from. "
            "Choose another folder."
        )
    return bool(images)


def _is_same_image(files: list[Path], image: NDArray[Any]) -> bool:
    try:
        return len(files) == 1 and np.array_equal(read_image(files[0]), image)
    except UNetNucleiError:
        return False


def _list(folder: Path) -> list[Path]:
    """Return what is in a folder, without hidden files."""
    try:
        return sorted(
            path for path in folder.iterdir() if not path.name.startswith(".")
        )
    except OSError:  # writing will say why
        return []


def _shown_pixels(path: str) -> NDArray[Any] | None:
    """Return an image of the window, whose file may have been replaced by now."""
    layer = images_by_path().get(path)
    return None if layer is None or layer.multiscale else np.asarray(layer.data)


def _read_source(
    metadata: Mapping[str, Any], shape: tuple[int, ...]
) -> NDArray[Any] | None:
    """Return the image that labels were made from, if it can still be read."""
    try:
        folder, path = path_in(metadata, "data_set"), path_in(metadata, "image_path")
        if folder is not None:
            image = open_dsb2018(folder).read_image(str(metadata.get("sample_id", "")))
        elif path is not None:
            stamp = metadata.get("image_stamp")
            if stamp is not None and stamp != stamp_of(path):
                return None  # the file was replaced after the labels were saved
            shown = _shown_pixels(path)
            image = read_image(path) if shown is None else shown
        else:
            return None
    except UNetNucleiError:
        return None
    is_colour = image.ndim == 3 and image.shape[-1] in (1, 3, 4)
    is_plane = image.ndim == 2 or is_colour
    return image if is_plane and image.shape[:2] == shape else None
