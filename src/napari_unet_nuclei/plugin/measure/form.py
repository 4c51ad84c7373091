"""The controls of the measuring widget: which nuclei, in which images, what of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, FloatSpinBox
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.settings.choices import Measurement
from napari_unet_nuclei.core.settings.measurements import (
    PIXELS,
    MeasurementSettings,
)
from napari_unet_nuclei.core.settings.rules import help_of, range_of
from napari_unet_nuclei.plugin.measure.image_list import ImageList
from napari_unet_nuclei.plugin.measure.layer_planes import calibration_of, measured_axes
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.pairing import labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import napari.viewer
    from magicgui.widgets.bases import Widget
    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

_GROUPS = {
    Measurement.SHAPE: (
        "Shape",
        "Perimeter, eccentricity, solidity and orientation",
    ),
    Measurement.INTENSITY: (
        "Intensity of every channel",
        "Mean, standard deviation and total in each channel of the checked images",
    ),
    Measurement.BORDER: (
        "Whether it touches the border",
        "Nuclei that are cut off by the edge of the image are smaller than they are",
    ),
}
_NOT_AT_FIRST = (Measurement.BORDER,)


class MeasureForm:
    """What the user chooses to measure.

    Keeps in step: the images with the labels, the unit of the ring with the layer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where labels and images are.
    is_running : callable
        Whether a measurement is under way; the labels then stay as they are.
    on_labels : callable
        Called when other labels are chosen.
    rows_below : sequence of Widget or QWidget
        What else is in the form.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        *,
        is_running: Callable[[], bool],
        on_labels: Callable[[], object],
        rows_below: Sequence[Widget | QWidget],
    ) -> None:
        self._viewer = viewer
        self._on_labels = on_labels
        self._unit = PIXELS
        self.labels = LayerChoice(
            viewer,
            Labels,
            label="Labels",
            tooltip="One number per nucleus, found, corrected or imported; stacks are "
            "measured plane by plane",
        )
        self.images = ImageList(viewer)
        self.groups = {
            group: CheckBox(value=group not in _NOT_AT_FIRST, text=text, tooltip=tip)
            for group, (text, tip) in _GROUPS.items()
        }
        self.ring = FloatSpinBox(
            value=0,
            min=0,
            max=range_of(MeasurementSettings, "ring").at_most or 1000,
            step=0.5,
            label="Ring around each",
            tooltip=help_of(MeasurementSettings, "ring"),
        )
        self.ring.native.setSpecialValueText("none")
        rows: list[Widget | QWidget] = [self.labels, self.images.native]
        rows += [*self.groups.values(), self.ring, *rows_below]
        self.native: QWidget = make_form(rows)
        self.labels.follow(self._labels_of, unless=is_running)
        self._show_for_labels()
        self.labels.changed.connect(lambda: self.take_labels())

    def chosen_labels(self) -> Labels:
        """Return the labels to measure.

        Raises
        ------
        LabelsError
            If there are none.
        """
        layer = self.labels.layer
        if layer is None:
            raise LabelsError(
                "There are no labels to measure: find nuclei with Segment nuclei, or "
                "open a label image."
            )
        return layer

    @property
    def settings(self) -> MeasurementSettings:
        """What the controls say."""
        what = tuple(group for group, box in self.groups.items() if box.value)
        width = float(self.ring.value)
        return MeasurementSettings(what=what, ring=width or None, ring_unit=self._unit)

    def take_labels(self) -> None:
        """Show what there is to choose for other labels."""
        self._show_for_labels()
        self._on_labels()

    def _show_for_labels(self) -> None:
        layer = self.labels.layer
        self.images.show_for(layer)
        self._unit = PIXELS if layer is None else _unit_of(layer)
        shown = "µm" if self._unit == "um" else self._unit
        self.ring.native.setSuffix(f" {shown}")

    def _labels_of(self, layer: Layer) -> Layer | None:
        """Find the labels to measure while their image is active."""
        layers = list(self._viewer.layers)
        labels = [each for each in layers if isinstance(each, Labels)]
        images = [each for each in layers if isinstance(each, Image)]
        return labels_of(layer, labels, images) if isinstance(layer, Image) else None


def _unit_of(layer: Labels) -> str:
    """Return the unit of a labels layer, pixels where it has none."""
    try:
        known = calibration_of(layer, measured_axes(layer))
    except LabelsError:  # which is reported when they are measured
        return PIXELS
    if known.pixel_size() is None or known.unit is None:
        return PIXELS
    return known.unit
