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
    image : (Y, X) or (Y, X, 1 to 4) ndarray
        Grey or colour image, dtype as stored.
    labels : (Y, X) ndarray of int32
        0 is background, every nucleus has its own number.

    Raises
    ------
    DatasetError
        If image and labels differ in height or width.
    """

    sample_id: str
    image: NDArray[Any]
    labels: NDArray[np.int32]

    def __post_init__(self) -> None:
        is_plane = self.image.ndim == 2
        is_colour = self.image.ndim == 3 and self.image.shape[-1] <= 4
        if not (is_plane or is_colour) or self.image.shape[:2] != self.labels.shape:
            raise DatasetError(
                f"Sample {self.sample_id} needs an image (Y, X) or (Y, X, channels) "
                "and labels (Y, X) of one height and width. Received: image "
                f"{self.image.shape}, labels {self.labels.shape}. Check that they "
                "belong together."
            )


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
