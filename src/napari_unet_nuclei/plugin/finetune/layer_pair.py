"""An image layer, its labels layer, and what the user says is annotated.

What a training gets of it is in ``annotated_image``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage
from napari_unet_nuclei.plugin.finetune.area_layers import pixels_of_area
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel
from napari_unet_nuclei.plugin.shared.layers import image_array
from napari_unet_nuclei.plugin.shared.placement import annotated_planes

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np
    from napari.components import Dims
    from napari.layers import Image, Labels, Layer
    from numpy.typing import NDArray

_HOW = {
    Annotated.WHOLE_IMAGE: "whole image",
    Annotated.AREA: "only an area",
    Annotated.PAINTED: "around what is painted",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerPair:
    """What is trained on, as layers.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        Its labels.
    annotated : Annotated
        What of it is annotated.
    area : napari.layers.Shapes or napari.layers.Labels, optional
        The area, where one is annotated.
    """

    image: Image
    labels: Labels
    annotated: Annotated = Annotated.WHOLE_IMAGE
    area: Layer | None = None

    @property
    def key(self) -> Hashable:
        """The same for the same image and labels."""
        return self.image.unique_id, self.labels.unique_id

    @property
    def layers(self) -> list[Layer]:
        """Every layer that it needs."""
        return [self.image, self.labels, *([] if self.area is None else [self.area])]

    def describe(self) -> str:
        """Name it in a few words."""
        return f"{self.image.name} with {self.labels.name} ({_HOW[self.annotated]})"

    def copy(self, dims: Dims) -> AnnotatedImage:
        """Return what a training gets, as it is now.

        Parameters
        ----------
        dims : napari.components.Dims
            The viewer's sliders, which say which channel is shown.

        Returns
        -------
        AnnotatedImage
            With a copy of the labels, because the user may go on painting.

        Raises
        ------
        TrainingError, ImageError, LabelsError
            If the axes are not clear, or the area is missing or lies elsewhere.
        """
        pixels, axes = image_array(self.image)
        channel = chosen_channel(self.image, axes, dims)
        painted, plane = annotated_planes(self.image, self.labels, channel)
        return AnnotatedImage(
            name=self.image.name,
            image=pixels,
            axes=axes,
            channel=channel,
            labels=painted,
            plane=plane,
            annotated=self.annotated,
            area=self._area_pixels(channel),
        )

    def _area_pixels(self, channel: int | None) -> NDArray[np.bool_] | None:
        if self.annotated is not Annotated.AREA:
            return None
        if self.area is None or self.area.unique_id == self.labels.unique_id:
            received = "no layer" if self.area is None else "the labels"
            raise TrainingError(
                "The area in which all nuclei are labelled needs a layer of its own. "
                f"Received: {received}; press 'Draw an area', or choose another layer."
            )
        return pixels_of_area(self.area, self.image, self.labels, channel)
