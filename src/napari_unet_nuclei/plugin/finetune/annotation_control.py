"""The controls that say what of an image is annotated.

What follows from it for the labels is in ``core.instances.annotation``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, PushButton
from napari.layers import Labels, Shapes

from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.shared.layer_axes import image_axes
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.placement import spatial_kwargs

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from magicgui.widgets.bases import Widget
    from napari.layers import Image, Layer

_CHOICES = (
    ("The whole image", Annotated.WHOLE_IMAGE),
    ("Only this area", Annotated.AREA),
    ("Around what I painted", Annotated.PAINTED),
)
_TOOLTIP = (
    "Where every nucleus is labelled. In the whole image, or in the area, what has no "
    "label is learned as background. Around what you painted, only a narrow ring is. "
    "Everything else is ignored."
)
_AREA_NAME = "annotated area"


class AnnotationControl:
    """What of the image is annotated, and in which layer its area is.

    Keeps in step: the choice of the area is shown only where an area is annotated.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers there are.
    on_change : callable
        Called after something else has been chosen.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, on_change: Callable[[], object]
    ) -> None:
        self._viewer = viewer
        self.how = ComboBox(choices=_CHOICES, label="Annotated", tooltip=_TOOLTIP)
        self.area = LayerChoice(
            viewer,
            (Shapes, Labels),
            label="Area",
            tooltip="Shapes, or labels above 0, that cover where all is labelled",
            visible=False,
        )
        self.draw_button = PushButton(
            text="Draw an area",
            tooltip="Add a layer for rectangles, ellipses and polygons",
            visible=False,
        )
        for choice in (self.how, self.area):
            choice.changed.connect(lambda: self._follow(on_change))

    @property
    def widgets(self) -> list[Widget]:
        """The rows of a form."""
        return [self.how, self.area, self.draw_button]

    @property
    def annotated(self) -> Annotated:
        """What is annotated."""
        return Annotated(self.how.value)

    @property
    def area_layer(self) -> Layer | None:
        """The layer of the area, where one is annotated."""
        return self.area.layer if self.annotated is Annotated.AREA else None

    def draw(self, image: Image | None) -> None:
        """Add a layer to draw the area in, and choose it."""
        place: dict[str, Any] = {}
        if image is not None:
            place = spatial_kwargs(image, "YX", image_axes(image))
        layer = self._viewer.add_shapes(
            name=_AREA_NAME, ndim=2, face_color="#59c2ff40", edge_color="white", **place
        )
        layer.mode = "add_rectangle"
        self.area.choose(layer)

    def _follow(self, on_change: Callable[[], object]) -> None:
        is_area = self.annotated is Annotated.AREA
        for control in (self.area, self.draw_button):
            control.visible = is_area
        on_change()
