"""What the form stands for now, copied for a check in the background."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.finetune.input_check import TrainingInput
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.layer_axes import full_resolution

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari.components import Dims
    from napari.layers import Layer

    from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage
    from napari_unet_nuclei.plugin.finetune.form import FineTuneForm
    from napari_unet_nuclei.plugin.finetune.layer_pair import LayerPair

_MOST_PIXELS = 30_000_000  # of labels; a copy of more would make the window wait


def collect_input(form: FineTuneForm, dims: Dims) -> TrainingInput | None:
    """Return what would be trained on now.

    Parameters
    ----------
    form : FineTuneForm
        The controls.
    dims : napari.components.Dims
        The viewer's sliders.

    Returns
    -------
    TrainingInput or None
        ``None`` where there is nothing, or too much to be copied just for a check.
    """
    pairs = _pairs_of(form)
    if not (pairs or form.folders) or sum(map(_size, pairs.values())) > _MOST_PIXELS:
        return None
    copies: dict[Hashable, AnnotatedImage] = {}
    unusable: dict[Hashable, str] = {}
    for key, pair in pairs.items():
        try:
            copies[key] = pair.copy(dims)
        except UNetNucleiError as error:
            unusable[key] = describe_error(error)
    start = None
    with suppress(UNetNucleiError):
        start = form.start_path
    return TrainingInput(
        pairs=copies,
        folders={folder: folder for folder in form.folders},
        start=start,
        minutes=form.minutes.value,
        unusable=unusable,
    )


def layers_of(form: FineTuneForm) -> list[Layer]:
    """Return the layers whose pixels matter, each once."""
    layers = [layer for pair in _pairs_of(form).values() for layer in pair.layers]
    return list({layer.unique_id: layer for layer in layers}.values())


def _pairs_of(form: FineTuneForm) -> dict[Hashable, LayerPair]:
    try:
        return form.pairs
    except UNetNucleiError:
        return {}  # no image, or no labels


def _size(pair: LayerPair) -> int:
    labels = pair.labels
    data = full_resolution(labels.data, is_multiscale=labels.multiscale)
    return int(np.prod(data.shape, dtype=np.int64))
