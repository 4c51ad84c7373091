"""One annotated image, and what hands out such images by name.

The places samples come from have a module each: ``dsb2018``,
``labelled_folder``; ``samples`` picks the right one for a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from napari_unet_nuclei.core.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
                f"{self.labels.shape}. Check that they belong together."
            )


def make_sample(
    place: str, sample_id: str, image: NDArray[Any], labels: NDArray[np.int32]
) -> Sample:
    """Make a sample; where it is none, the error says in which data set it lies.

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
        """Return the image, (Y, X) or (Y, X, 3 or 4), dtype as stored."""

    def read_labels(self, sample_id: str) -> NDArray[np.int32]:
        """Return the labels, (Y, X) int32."""

    def read_sample(self, sample_id: str) -> Sample:
        """Return image and labels."""
