"""What a path stands for, and the annotated images of a data set.

Whoever gets a path asks `PathContents`.  Each layout is read in a module of its own,
``dsb2018`` or ``image_label_folder``; which samples are meant is read in ``splits``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.dsb2018 import open_dsb2018
from napari_unet_nuclei.core.datasets.dsb2018_layout import (
    is_dsb2018,
    is_made_from_images_beside,
    is_sample_folder,
)
from napari_unet_nuclei.core.datasets.image_folders import FOLDERS_OF_IMAGES
from napari_unet_nuclei.core.datasets.image_label_folder import ImageLabelFolder
from napari_unet_nuclei.core.datasets.image_label_layout import (
    is_image_label_folder,
    layout_of,
)
from napari_unet_nuclei.core.datasets.mask_names import FOLDER_PAIRS
from napari_unet_nuclei.core.errors import DatasetError, UNetNucleiError
from napari_unet_nuclei.core.files.images import find_images
from napari_unet_nuclei.core.images.plane_names import stack_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_unet_nuclei.core.datasets.sample import Sample, SampleSource

_EMPTY_PLANE = (
    "Sample {} is a plane without labels, which may not be annotated. If it shows no "
    "nuclei, save it as an image of its own with empty labels."
)


class PathKind(StrEnum):
    """What of a path can be segmented.

    What may hold labels comes before what does not: the images of a data set are found
    by its layout, not among its masks.
    """

    NOTHING = "nothing is there"
    IMAGES_AND_LABELS = "a folder or zip with a folder of images and one of labels"
    DSB2018 = "a DSB2018 sample, or a folder or zip of samples"
    ZIP = "another zip, of images"
    IMAGE_FOLDER = "a folder that is one image, such as OME-Zarr"
    FOLDER = "another folder, of images"
    FILE = "another file, an image"


class PathContents:
    """What lies at a path: each question is answered when asked, and only once.

    Parameters
    ----------
    path : path
        Anything; what cannot be read is no data set.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(self.path)

    @cached_property
    def layout(self) -> tuple[str, str] | None:
        """The sub-folders of images and of labels; two empty names if side by side."""
        return layout_of(self.path)

    @property
    def has_labels(self) -> bool:
        """Whether it has images and labels, in two sub-folders or side by side."""
        return self.layout is not None

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the sub-folders of images and of labels; empty without these."""
        return tuple(folder for folder in self.layout or () if folder)

    @cached_property
    def is_sample(self) -> bool:
        """Whether it is the folder of one DSB2018 sample."""
        return is_sample_folder(self.path)

    @cached_property
    def is_dsb2018(self) -> bool:
        """Whether it is a folder or zip of DSB2018 samples."""
        return is_dsb2018(self.path)

    @property
    def is_data_set(self) -> bool:
        """Whether `open_samples` opens it."""
        return self.has_labels or self.is_dsb2018 or self.is_sample

    @property
    def holds_samples(self) -> bool:
        """Whether it is DSB2018, and not results made from images beside it."""
        return self.is_sample or (
            self.is_dsb2018 and not is_made_from_images_beside(self.path)
        )

    @property
    def kind(self) -> PathKind:
        """What of it can be segmented."""
        if not os.path.exists(self.path):
            return PathKind.NOTHING
        if self.folders:
            return PathKind.IMAGES_AND_LABELS
        if self.holds_samples:
            return PathKind.DSB2018
        suffix = self.path.suffix.lower()
        if self.is_folder:
            is_image = suffix in FOLDERS_OF_IMAGES
            return PathKind.IMAGE_FOLDER if is_image else PathKind.FOLDER
        return PathKind.ZIP if suffix == ".zip" else PathKind.FILE


@dataclass(frozen=True)
class BadSample:
    """A sample that cannot be used.

    Parameters
    ----------
    sample_id : str
        Name of the sample.
    reason : str
        One sentence: what was expected, what was found, what to do.
    """

    sample_id: str
    reason: str


def open_samples(path: str | os.PathLike[str]) -> SampleSource:
    """Return the annotated images of a data set, to be read one at a time.

    Parameters
    ----------
    path : path
        A DSB2018 folder or zip, or a folder or zip with ``images`` and ``labels``,
        or another layout of `ImageLabelFolder`, matched by file name.

    Returns
    -------
    SampleSource
        The data set.

    Raises
    ------
    DatasetError
        If the path holds neither, or an incomplete data set.
    ImageError
        If a folder cannot be listed.
    """
    contents = PathContents(path)
    if contents.has_labels:
        return ImageLabelFolder(path)
    if contents.is_folder and not contents.is_data_set:
        find_images(path)  # says why, where nobody may look into the folder
        raise DatasetError(
            "Expected a DSB2018 folder (<id>/images/<id>.png, <id>/masks/*.png) or a "
            "folder with images and labels (images/ and labels/, or a.tif and "
            f"a_masks.tif). Received: {os.fspath(path)}. {_advice(Path(path))}"
        )
    return open_dsb2018(path)


def _advice(folder: Path) -> str:
    """Say what of a folder is close to a data set."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        entries = []
    folders = [entry for entry in entries if os.path.isdir(entry)]
    inside = [entry.name for entry in folders if is_image_label_folder(entry)]
    if inside:
        return f"Choose one of the data sets in it: {', '.join(inside[:4])}."
    if any(entry.name.lower().endswith("_seg.npy") for entry in entries):
        return "Save the masks of Cellpose as TIFF or PNG (a_masks.tif) beside a.tif."
    known = {name for pair in FOLDER_PAIRS for name in pair}
    found = [entry.name for entry in folders if entry.name.lower() in known]
    if found:
        return f"Name its folders images and labels, not {', '.join(found[:4])}."
    return "Choose the folder above these."


def read_good_samples(
    source: SampleSource, ids: Iterable[str]
) -> tuple[list[Sample], list[BadSample]]:
    """Read samples, past those that cannot be used.

    A plane of a stack in which nothing is labelled is one of these, as most often
    nobody annotated it; an image without nuclei is a file of its own.

    Parameters
    ----------
    source : SampleSource
        The data set.
    ids : iterable of str
        Names of the samples to read.

    Returns
    -------
    samples : list of Sample
        The good ones, at least one.
    problems : list of BadSample
        The others, each with the reason.

    Raises
    ------
    DatasetError
        If there is no good one.
    """
    samples: list[Sample] = []
    problems: list[BadSample] = []
    for sample_id in ids:
        try:
            sample = source.read_sample(sample_id)
        except UNetNucleiError as error:
            problems.append(BadSample(sample_id, str(error)))
            continue
        if stack_of(sample_id) is not None and sample.labels.max() <= 0:
            problems.append(BadSample(sample_id, _EMPTY_PLANE.format(sample_id)))
        else:
            samples.append(sample)
    if not samples:
        evidence = f", the first because: {problems[0].reason}" if problems else ""
        raise DatasetError(
            f"Expected at least one good sample in {source.name}. Received: none of "
            f"{len(problems)}{evidence or '. Choose some samples.'}"
        )
    return samples, problems
