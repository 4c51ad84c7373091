"""Masks that say which part of each image of a data set is annotated."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.mask_names import image_stems, stem_of
from napari_unet_nuclei.core.errors import DatasetError, LabelsError
from napari_unet_nuclei.core.files.images import find_images
from napari_unet_nuclei.core.files.label_reading import read_label_stack
from napari_unet_nuclei.core.images.plane_names import plane_names, stack_of
from napari_unet_nuclei.core.instances.annotation import annotated_area
from napari_unet_nuclei.core.settings.choices import Annotated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample


class AnnotatedAreas:
    """What is annotated of each image: not 0 where all nuclei are painted.

    Parameters
    ----------
    path : path
        A label file or mask for all images, or a folder with one for each that is
        annotated in part, called ``a.tif`` or ``a_mask.tif`` for the image ``a``.
        A single plane is for all planes of a stack.

    Raises
    ------
    DatasetError
        If there is neither, or the folder has no image files.
    ImageError
        If the folder cannot be listed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        is_folder = os.path.isdir(self._path)
        if not is_folder and not os.path.isfile(self._path):
            raise DatasetError(
                "Expected a file or a folder of what is annotated. Received: "
                f"{self._path}, which does not exist. Check the path."
            )
        files = find_images(self._path) if is_folder else []
        if is_folder and not files:
            raise DatasetError(
                "Expected masks of what is annotated. Received: the folder "
                f"{self._path} without image files. Choose another."
            )
        self._is_folder = is_folder
        self._files: dict[str, Path] = {}
        for file in files:
            for image in image_stems(stem_of(file.name)):
                self._files.setdefault(image, file)
        self._files |= {stem_of(file.name): file for file in files}
        self._last: tuple[Path, dict[str, NDArray[np.bool_]]] | None = None

    def find(self, sample_id: str) -> Path | None:
        """Return the file for a sample, which may be a plane; ``None`` without one."""
        if not self._is_folder:
            return self._path
        stack = stack_of(sample_id) or sample_id
        return self._files.get(sample_id) or self._files.get(stack)

    def restrict(self, sample: Sample) -> Sample:
        """Return a sample that is annotated inside of its area only.

        Parameters
        ----------
        sample : Sample
            Image and labels.

        Returns
        -------
        Sample
            With labels -1 outside; the very same where it has no area.

        Raises
        ------
        ImageError, LabelsError
            If the mask cannot be read, is empty, or not as large as the image.
        """
        file = self.find(sample.sample_id)
        if file is None:
            return sample
        planes = self._read(file)
        index = sample.sample_id.removeprefix(stack_of(sample.sample_id) or "")
        area = planes.get("", planes.get(index))
        if area is None:
            raise LabelsError(
                f"{file} has {len(planes)} planes. Received: the sample "
                f"{sample.sample_id}; save one plane for each of its own, or one for "
                "all."
            )
        try:
            labels = annotated_area(sample.labels, Annotated.AREA, area)
        except LabelsError as error:
            raise LabelsError(f"{file}: {error}") from error
        return replace(sample, labels=labels)

    def _read(self, file: Path) -> dict[str, NDArray[np.bool_]]:
        """Return the planes of a file by their indices, ``""`` for a single one."""
        if self._last is None or self._last[0] != file:
            stack = read_label_stack(file) > 0
            names = plane_names("", stack.shape[:-2])
            planes = stack.reshape(-1, *stack.shape[-2:])
            self._last = file, dict(zip(names, planes, strict=True))
        return self._last[1]
