"""The controls of the segment widget, and the settings and the run they stand for.

What a run makes of them is known to ``segmentation``, what is shown to
``segment_widget``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox, FloatSlider, FloatSpinBox
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import ImageError, ModelError, UNetNucleiError
from napari_unet_nuclei.core.models.bundle import read_config
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.segmentation import SegmentationRequest
from napari_unet_nuclei.plugin.shared.axes_control import AxesControl
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel, shown_plane
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.layers import image_array
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice
from napari_unet_nuclei.plugin.shared.pairing import image_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.segment.result_layers import ResultKey

_DEFAULTS = SegmentationSettings()
_START_THRESHOLD = 0.5
_THRESHOLD_TOOLTIP = (
    "Foreground probability that makes a nucleus. Lower finds more and larger "
    "nuclei. Moving it updates the labels at once."
)


class SegmentForm:
    """What the user chooses: an image, a model, and how nuclei are found.

    Keeps in step: the axes and the box for the shown plane with the image, the
    threshold with the model until the user has moved it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose images to offer.
    is_running : callable
        Whether a run is under way; the image then holds still.
    on_target : callable
        Called when another image, other axes, another model or other planes are chosen.
    on_input : callable
        Called when a new run would see other settings.
    on_slider : callable
        Called when the nuclei can be split anew.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        *,
        is_running: Callable[[], bool],
        on_target: Callable[[], object],
        on_input: Callable[[], object],
        on_slider: Callable[[], object],
    ) -> None:
        self._viewer = viewer
        self._on_target, self._on_slider = on_target, on_slider
        self._is_own_threshold = True
        self.image = LayerChoice(
            viewer,
            Image,
            label="Image",
            tooltip="Grey or colour image; stacks are segmented plane by plane",
        )
        self.axes = AxesControl(viewer, self.image, lambda: self._take_target())
        self.model = ModelChoice(
            label="Model", tooltip="Models you have fine-tuned appear here too"
        )
        self.threshold = FloatSlider(
            value=_START_THRESHOLD,
            min=0.05,
            max=0.95,
            step=0.01,
            label="Threshold",
            tooltip=_THRESHOLD_TOOLTIP,
        )
        self.min_area = FloatSpinBox(
            value=0,
            min=0,
            max=1_000_000,
            step=1,
            label="Minimum area",
            tooltip="Smaller nuclei are dropped; automatic is 30 px², less where the "
            "image was enlarged, more where it was shrunk. Changing it updates the "
            "labels at once.",
        )
        self.diameter = FloatSpinBox(
            value=0,
            min=0,
            max=2000,
            step=1,
            label="Nucleus diameter",
            tooltip="Typical diameter in this image, by which it is rescaled for the "
            "model. Automatic estimates it, and rescales where it is far from what "
            "the model knows.",
        )
        self.tta = CheckBox(
            value=_DEFAULTS.tta,
            text="Average flipped views",
            tooltip="Average over flips and quarter turns, those the model was trained "
            "with: better, and up to eight times slower",
        )
        self.only_plane = CheckBox(
            value=False,
            text="Only the shown plane",
            tooltip="Segment the plane of the stack that is shown, to try settings; "
            "its nuclei get a layer of their own",
        )
        self.native: QWidget = make_form(
            [
                self.image,
                self.axes,
                self.model,
                self.threshold,
                self.min_area,
                self.diameter,
                self.tta,
                self.only_plane,
            ]
        )
        for control, unit in (self.min_area, "px²"), (self.diameter, "px"):
            control.native.setSuffix(f" {unit}")
            control.native.setDecimals(0)
            control.native.setSpecialValueText("automatic")
        self.image.follow(self._image_of, unless=is_running)
        self._offer_planes()
        self.image.changed.connect(lambda: self._take_target())
        self.model.changed.connect(lambda: self._take_model())
        self.only_plane.changed.connect(lambda: on_target())
        self.diameter.changed.connect(lambda: on_input())
        self.tta.changed.connect(lambda: on_input())
        self.threshold.changed.connect(lambda: self._take_threshold())
        self.min_area.changed.connect(lambda: on_slider())

    @property
    def settings(self) -> SegmentationSettings:
        """What the controls say; no threshold stands for the model's own.

        Raises
        ------
        SettingsError
            If a value is out of range.
        """
        own = self._is_own_threshold
        return SegmentationSettings(
            threshold=None if own else round(self.threshold.value, 2),
            min_area=round(self.min_area.value) or None,
            diameter=self.diameter.value or None,
            tta=self.tta.value,
        )

    @property
    def key(self) -> ResultKey | None:
        """The image that is chosen, and its only plane if it is to be only one."""
        image = self.image.layer
        return None if image is None else (image.unique_id, self.plane_of(image))

    def chosen_image(self) -> Image:
        """Return the image to segment.

        Raises
        ------
        ImageError, SettingsError
            If there is none, or the field of its axes cannot be used.
        """
        image = self.image.layer
        if image is None:
            raise ImageError(
                "There is no image to segment: open an image or choose an image layer."
            )
        self.axes.check()
        return image

    def make_request(self, image: Image) -> SegmentationRequest:
        """Say what a run would do now.

        Parameters
        ----------
        image : napari.layers.Image
            The image to segment.

        Returns
        -------
        SegmentationRequest
            Its pixels, and what the controls say.

        Raises
        ------
        ImageError, ModelError, SettingsError
            If axes, model or settings cannot be used.
        """
        pixels, axes = image_array(image)
        model = self.model.model
        if model is None:
            raise ModelError("No model is chosen: choose one or open a model file.")
        return SegmentationRequest(
            image=pixels,
            axes=axes,
            model=model,
            settings=self.settings,
            channel=chosen_channel(image, axes, self._viewer.dims),
            plane=self.plane_of(image),
        )

    def plane_of(self, image: Image) -> tuple[int, ...] | None:
        """Return the place of the only plane to segment, if it is to be only one."""
        return (self._shown_plane(image) or None) if self.only_plane.value else None

    def show_own_threshold(self) -> None:
        """Let the slider say the threshold of the model, unless the user has one."""
        if self._is_own_threshold and (own := self._own_threshold()) is not None:
            self._set_threshold(own)

    def show_settings(self, settings: SegmentationSettings) -> None:
        """Let the sliders say what nuclei were found with.

        Parameters
        ----------
        settings : SegmentationSettings
            With a threshold.
        """
        if settings.threshold is not None:
            self._is_own_threshold = settings.threshold == self._own_threshold()
            self._set_threshold(settings.threshold)
        with self.min_area.changed.blocked():
            self.min_area.value = settings.min_area or 0

    def tell_own_threshold(self, own: float) -> None:
        """Say in the tooltip which threshold is the model's."""
        self.threshold.tooltip = f"{_THRESHOLD_TOOLTIP} The model's own is {own:g}."

    def _set_threshold(self, threshold: float) -> None:
        with self.threshold.changed.blocked():
            self.threshold.value = threshold

    def _own_threshold(self) -> float | None:
        """Return the threshold of the chosen model, if its file can be read."""
        if self.model.model is None:
            return None
        try:
            return read_config(find_model(self.model.model)).splitting.threshold
        except UNetNucleiError:  # is told of when it is to be used
            return None

    def _take_target(self) -> None:
        self._offer_planes()
        self._on_target()

    def _take_model(self) -> None:
        self._is_own_threshold = True
        self._on_target()

    def _take_threshold(self) -> None:
        self._is_own_threshold = False
        self._on_slider()

    def _offer_planes(self) -> None:
        image = self.image.layer
        self.only_plane.visible = image is not None and self._shown_plane(image) != ()

    def _shown_plane(self, image: Image) -> tuple[int, ...]:
        try:
            _, axes = image_array(image)
        except ImageError:  # is told of when it is to be segmented
            return ()
        return shown_plane(image, axes, self._viewer.dims)

    def _image_of(self, layer: Layer) -> Layer | None:
        """Find the image to segment while its labels are active."""
        images = [each for each in self._viewer.layers if isinstance(each, Image)]
        return image_of(layer, images) if isinstance(layer, Labels) else None
