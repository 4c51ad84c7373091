"""One annotated image, and what hands out such images by name.

The places samples come from have a module each, ``dsb2018`` and
``image_label_folder``; ``opening`` picks the right one for a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from napari_unet_nuclei.core.errors import DatasetError
from napari_unet_nuclei.core.images.staining import Staining, staining

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_SAME_SIZE = 0.05  # a smaller difference is a cut edge, not another scale


@dataclass(frozen=True, eq=False)
class Sample:
    """An image and the nuclei in it.

    Parameters
    ----------
    sample_id : str
        Name of the sample, unique in its data set.
    image : (Y, X) or (Y, X, 1, 3 or 4) ndarray of bool, int or float
        Grey or colour image, dtype as stored.
    labels : (Y, X) ndarray of int32
        0 is background, every nucleus has its own number.

    Raises
    ------
    DatasetError
        If the image is none, or differs from the labels in height or width.
    """

    sample_id: str
    image: NDArray[Any]
    labels: NDArray[np.int32]

    def __post_init__(self) -> None:
        image = self.image
        is_plane = image.ndim == 2 or image.shape[2:] in ((1,), (3,), (4,))
        has_pixels = image.size > 0 and image.dtype.kind in "buif"
        if not (is_plane and has_pixels) or image.shape[:2] != self.labels.shape:
            raise DatasetError(
                f"Sample {self.sample_id} needs an image (Y, X) or (Y, X, 1, 3 or 4) "
                "with some pixels, real numbers, and labels (Y, X) of its height and "
                f"width. Received: image {image.shape} of {image.dtype}, labels "
                f"{self.labels.shape}. {_advice(image.shape, self.labels.shape)}"
            )

    @cached_property
    def staining(self) -> Staining:
        """What the image looks like; measured once, as several parts of a run ask."""
        return staining(self.image)


def _advice(image: tuple[int, ...], labels: tuple[int, ...]) -> str:
    """Explain how labels may have got another size."""
    if len(image) < 2 or len(labels) != 2 or 0 in (*image, *labels):
        return "Check that they belong together."
    size = image[:2]
    if len(image) > 2 and image[2] not in (1, 3, 4):
        return "Save the planes of a stack as labels of a stack, or one by one."
    if size == labels[::-1]:
        return "The labels are turned on their side: swap their rows and columns."
    factor = labels[0] / size[0]
    is_scaled = abs(labels[1] - factor * size[1]) <= 1 + factor
    if is_scaled and abs(factor - 1) > _SAME_SIZE:
        return (
            f"The labels are {factor:.3g} times as large as the image: resize them to "
            "the nearest pixel, or use the image at their scale."
        )
    return "Check that they belong together."


def make_sample(
    place: str, sample_id: str, image: NDArray[Any], labels: NDArray[np.int32]
) -> Sample:
    """Make a sample; if it is invalid, the error names its data set.

    Parameters
    ----------
    place : str
        Path of the data set.
    sample_id, image, labels
        As in `Sample`.

    Returns
    -------
    Sample
        The sample.

    Raises
    ------
    DatasetError
        If these are no sample.
    """
    try:
        return Sample(sample_id, image, labels)
    except DatasetError as error:
        raise DatasetError(f"{place}: {error}") from error


class SampleSource(Protocol):
    """Annotated images that are read by name, one at a time."""

    @property
    def name(self) -> str:
        """Name of the data set."""

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """Names of all samples, sorted."""

    def read_image(self, sample_id: str) -> NDArray[Any]:
        """Return the image of a sample.

        Parameters
        ----------
        sample_id : str
            One of ``sample_ids``.

        Returns
        -------
        (Y, X) or (Y, X, 3 or 4) ndarray
            Pixels as stored.

        Raises
        ------
        DatasetError, ImageError
            If there is no such sample, or it has no image that can be read.
        """

    def read_labels(self, sample_id: str) -> NDArray[np.int32]:
        """Return the nuclei of a sample.

        Parameters
        ----------
        sample_id : str
            One of ``sample_ids``.

        Returns
        -------
        (Y, X) ndarray of int32
            0 is background.

        Raises
        ------
        DatasetError, ImageError, LabelsError
            If there is no such sample, or it has no labels that can be read.
        """

    def read_sample(self, sample_id: str) -> Sample:
        """Return what `read_image` and `read_labels` return, which fit each other.

        Parameters
        ----------
        sample_id : str
            One of ``sample_ids``.

        Returns
        -------
        Sample
            Image and labels.

        Raises
        ------
        DatasetError, ImageError, LabelsError
            As there, and if image and labels differ in shape.
        """
