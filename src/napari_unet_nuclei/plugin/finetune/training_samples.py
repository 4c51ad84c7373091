"""Image and labels of a request → the annotated samples that training reads.

How training itself runs is in ``training_process``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.plugin.finetune.training_process import FineTuneRequest


def make_samples(request: FineTuneRequest) -> list[Sample]:
    """Cut image and labels into annotated planes.

    Parameters
    ----------
    request : FineTuneRequest
        Its image and labels are used.

    Returns
    -------
    list of Sample
        The planes that have nuclei.

    Raises
    ------
    TrainingError
        If no plane has any.
    LabelsError
        If image and labels differ in shape or the labels are no labels.
    ImageError
        If the image cannot be used.
    """
    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.channels import to_channels
    from napari_unet_nuclei.core.instances.labels import check_labels

    stack = PlaneStack(request.image, request.axes, request.channel)
    labels = request.labels
    if request.plane is not None:
        stack, labels = stack.only(request.plane), labels.reshape(labels.shape[-2:])
    expected = (*stack.leading_shape, *stack.plane_shape)
    if labels.shape != expected:
        raise LabelsError(
            f"Expected labels as large as the image, {expected}. Received: "
            f"{labels.shape}; choose the labels that belong to the image."
        )
    samples = [
        Sample(
            f"plane{number}",
            to_channels(stack.only(index).single_plane()),
            check_labels(labels[index], may_ignore=True),
        )
        for number, index in enumerate(np.ndindex(stack.leading_shape))
        if (labels[index] > 0).any()
    ]
    if not samples:
        raise TrainingError(
            "Fine-tuning needs labelled nuclei. Received: labels with background only; "
            "label some nuclei first."
        )
    return samples


def write_samples(folder: Path, samples: Sequence[Sample]) -> None:
    """Write samples as the folder of images and labels that training reads.

    Parameters
    ----------
    folder : Path
        Folder to make, with ``images`` and ``labels`` in it.
    samples : sequence of Sample
        What to write, images (Y, X, 3).
    """
    import tifffile

    from napari_unet_nuclei.core.files.labels import write_labels_tiff

    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for number, sample in enumerate(samples):
        name = f"{number:04d}.tif"
        tifffile.imwrite(folder / "images" / name, sample.image, photometric="rgb")
        write_labels_tiff(folder / "labels" / name, sample.labels)
