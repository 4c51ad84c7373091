"""Images and labels of a request → the annotated samples that training reads.

How training itself runs is in ``training_process``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.plugin.finetune.annotated_image import iter_planes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.settings.choices import Annotated
    from napari_unet_nuclei.plugin.finetune.annotated_image import (
        AnnotatedImage,
        AnnotatedPlane,
    )

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
_LONGEST = 60  # letters of a name of a layer in that of a file


def make_samples(pairs: Sequence[AnnotatedImage]) -> list[Sample]:
    """Cut images and labels into annotated planes.

    Parameters
    ----------
    pairs : sequence of AnnotatedImage
        Images with their labels, and what of them is annotated.

    Returns
    -------
    list of Sample
        The planes on which something is annotated; -1 in their labels is ignored.

    Raises
    ------
    TrainingError
        If no plane has any nucleus.
    LabelsError
        If image and labels differ in shape or the labels are no labels.
    ImageError
        If the image cannot be used.
    """
    samples = [
        make_sample(plane, pair.annotated)
        for pair in pairs
        for plane in iter_planes(pair)
    ]
    if not any((sample.labels > 0).any() for sample in samples):
        raise TrainingError(
            "Fine-tuning needs labelled nuclei. Received: labels with background only; "
            "label some nuclei first."
        )
    return samples


def make_sample(plane: AnnotatedPlane, annotated: Annotated) -> Sample:
    """Return what is trained on of one plane.

    Parameters
    ----------
    plane : AnnotatedPlane
        Pixels, labels and area.
    annotated : Annotated
        What of it is annotated.

    Returns
    -------
    Sample
        An image (Y, X, 3) and labels that are -1 where nothing is annotated.

    Raises
    ------
    LabelsError
        If the labels are no labels, or there is nothing annotated.
    ImageError
        If the image cannot be used.
    """
    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.images.channels import to_channels
    from napari_unet_nuclei.core.instances.annotation import annotated_area

    labels = annotated_area(plane.labels, annotated, plane.area)
    return Sample(plane.name, to_channels(plane.pixels), labels)


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
        # Models say by these names what they were trained on.
        name = f"{number:04d}_{_NOT_IN_NAMES.sub('_', sample.sample_id)[:_LONGEST]}.tif"
        tifffile.imwrite(folder / "images" / name, sample.image, photometric="rgb")
        write_labels_tiff(folder / "labels" / name, sample.labels)
