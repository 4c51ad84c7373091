"""The widget that finds nuclei and lets the threshold be moved afterwards.

Only controls and what connects them: what runs is in ``segmentation``, what is
shown in ``result_layers``, what is said in ``sentences``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from magicgui.widgets import (
    CheckBox,
    Container,
    FloatSlider,
    FloatSpinBox,
    PushButton,
)
from magicgui.widgets.bases import Widget
from napari.layers import Image, Labels
from qtpy.QtWidgets import QApplication

from napari_unet_nuclei.core.errors import ImageError, ModelError, UNetNucleiError
from napari_unet_nuclei.core.progress import PlaneDone, TileDone
from napari_unet_nuclei.core.settings import SegmentationSettings
from napari_unet_nuclei.plugin.axes_control import AxesControl
from napari_unet_nuclei.plugin.canvas import (
    chosen_channel,
    show_pixels,
    shown_plane,
)
from napari_unet_nuclei.plugin.commands import segment_command
from napari_unet_nuclei.plugin.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.layers import image_array
from napari_unet_nuclei.plugin.live_splitting import LiveSplitting
from napari_unet_nuclei.plugin.model_choice import ModelChoice
from napari_unet_nuclei.plugin.pairing import image_of
from napari_unet_nuclei.plugin.result_layers import ResultLayers
from napari_unet_nuclei.plugin.run_panel import RunPanel, make_form
from napari_unet_nuclei.plugin.segmentation import (
    SegmentationRequest,
    WarmModel,
    iter_segmentation,
)
from napari_unet_nuclei.plugin.sentences import describe_nuclei
from napari_unet_nuclei.plugin.wording import describe_error

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

    from napari_unet_nuclei.plugin.result_layers import ResultKey
    from napari_unet_nuclei.plugin.segmentation import ImageMaps, Nuclei

_DEFAULTS = SegmentationSettings()
_START_THRESHOLD = 0.5
_THRESHOLD_TOOLTIP = (
    "Foreground probability that makes a nucleus. Lower finds more and larger "
    "nuclei. Moving it updates the labels at once."
)


class SegmentWidget(Container[Widget]):
    """Segments an image layer and keeps its maps, so that sliders act at once.

    Keeps in step: the drop-down lists with layers and models, the labels layer
    with threshold and smallest area, the status line with the last result.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images come from and labels go.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._models = WarmModel()
        self._results: dict[ResultKey, ImageMaps] = {}
        self._layers = ResultLayers(viewer)
        self._is_own_threshold = True
        self.image = LayerChoice(
            viewer,
            Image,
            label="Image",
            tooltip="Grey or colour image; stacks are segmented plane by plane",
        )
        self.axes = AxesControl(viewer, self.image, lambda: self._offer_planes())
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
            label="Minimum area (px²)",
            tooltip="Smaller nuclei are dropped; automatic is 30 px², less where the "
            "image was enlarged, more where it was shrunk. Changing it updates the "
            "labels at once.",
        )
        self.diameter = FloatSpinBox(
            value=0,
            min=0,
            max=2000,
            step=1,
            label="Nucleus diameter (px)",
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
        self.panel = RunPanel(
            "Segment", "Find the nuclei of the chosen image", self.segment
        )
        self.copy_button = PushButton(
            text="Copy as command",
            tooltip="Copy the command line that does the same without napari",
        )
        super().__init__(widgets=[self.panel, self.copy_button], labels=False)
        form = make_form(
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
        self.native.layout().insertWidget(0, form)
        self.panel.cancel_on_close(self)
        self._splitting = LiveSplitting(
            self.native,
            on_step=self._say_progress,
            on_split=self._show,
            on_error=lambda error: self.panel.say(describe_error(error)),
        )
        for control in (self.min_area, self.diameter):
            control.native.setDecimals(0)
            control.native.setSpecialValueText("automatic")
        self.image.follow(self._image_of, unless=lambda: self.panel.is_running)
        self.image.changed.connect(self._offer_planes)
        self._offer_planes()
        self.model.changed.connect(self._use_own_threshold)
        self.threshold.changed.connect(self._use_chosen_threshold)
        self.min_area.changed.connect(self._split_again)
        self.copy_button.changed.connect(lambda: self.copy_command())
        viewer.layers.events.removed.connect(self._forget)

    @property
    def settings(self) -> SegmentationSettings:
        """What the controls say; no threshold stands for the model's own.

        Raises
        ------
        SettingsError
            If a value is out of range.
        """
        return SegmentationSettings(
            threshold=None
            if self._is_own_threshold
            else round(self.threshold.value, 2),
            min_area=round(self.min_area.value) or None,
            diameter=self.diameter.value or None,
            tta=self.tta.value,
        )

    def segment(self) -> None:
        """Find the nuclei of the chosen image, in the background."""
        if self.panel.is_running:
            return
        try:
            image, model = self._chosen_image(), self._chosen_model()
            show_pixels(self._viewer, image)
            pixels, axes = image_array(image)
            request = SegmentationRequest(
                image=pixels,
                axes=axes,
                model=model,
                settings=self.settings,
                channel=chosen_channel(image, axes, self._viewer.dims),
                plane=self._wanted_plane(image),
            )
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        self.panel.start(
            iter_segmentation(request, self._models),
            f"Segmenting {image.name}",
            on_step=self._say_progress,
            on_result=lambda result: self._take_result(image, *result),
            on_end=self.image.catch_up,
            fraction=lambda done: done.fraction,
        )

    def copy_command(self) -> None:
        """Put the command that does the same on the clipboard."""
        try:
            image, model = self._chosen_image(), self._chosen_model()
            _, axes = image_array(image)
            channel = chosen_channel(image, axes, self._viewer.dims)
            command = _command(image, model, self.settings, axes, channel)
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(command)
        hints = ["Copied the command."]
        if self._wanted_plane(image) is not None:
            hints.append("It segments all planes.")
        if not image.source.path:
            hints.append(f"Save the image as {image.name}.tif too.")
        self.panel.say(" ".join(hints), command)

    def _chosen_image(self) -> Image:
        image = self.image.layer
        if image is None:
            raise ImageError(
                "There is no image to segment: open an image or choose an image layer."
            )
        self.axes.check()
        return image

    def _image_of(self, layer: Layer) -> Layer | None:
        """Find the image to segment while its labels are active."""
        images = [each for each in self._viewer.layers if isinstance(each, Image)]
        return image_of(layer, images) if isinstance(layer, Labels) else None

    def _chosen_model(self) -> str:
        model = self.model.model
        if model is None:
            raise ModelError("No model is chosen: choose one or open a model file.")
        return model

    def _say_progress(self, done: TileDone | PlaneDone) -> None:
        match done:
            case TileDone():
                self.panel.say(f"Tile {done.n_done} of {done.n_tiles} …")
            case PlaneDone() if done.n_planes > 1:
                self.panel.say(f"Plane {done.n_done} of {done.n_planes} …")

    def _take_result(self, image: Image, image_maps: ImageMaps, nuclei: Nuclei) -> None:
        if image not in self._viewer.layers:
            self._say_removed(image)
            return
        self._splitting.discard()
        self._results[image.unique_id, image_maps.request.plane] = image_maps
        self._show(image, image_maps, nuclei)
        own = image_maps.model.config.splitting.threshold
        self.threshold.tooltip = f"{_THRESHOLD_TOOLTIP} The model's own is {own:g}."
        if self._is_own_threshold:
            with self.threshold.changed.blocked():
                self.threshold.value = own
        if (settings := self._slider_settings(image_maps)) != nuclei.settings:
            # A slider was moved while the network was busy.
            self._splitting.request(image, image_maps, settings)

    def _say_removed(self, image: Image) -> None:
        self.panel.say(f"{image.name} was removed, so nothing is shown.")

    def _show(self, image: Image, image_maps: ImageMaps, nuclei: Nuclei) -> None:
        if image not in self._viewer.layers:
            self._say_removed(image)
            return
        request = image_maps.request
        command = None
        if request.plane is None:  # the command line segments all planes
            command = _command(
                image, request.model, nuclei.settings, request.axes, request.channel
            )
        self._layers.show(image, image_maps, nuclei, command)
        self.panel.say(
            describe_nuclei(image_maps, nuclei), image_maps.model.engine.description
        )

    def _offer_planes(self) -> None:
        image = self.image.layer
        self.only_plane.visible = image is not None and self._shown_plane(image) != ()

    def _wanted_plane(self, image: Image) -> tuple[int, ...] | None:
        """Place of the only plane to segment, if it is to be only one."""
        return (self._shown_plane(image) or None) if self.only_plane.value else None

    def _shown_plane(self, image: Image) -> tuple[int, ...]:
        try:
            _, axes = image_array(image)
        except ImageError:  # is told of when it is to be segmented
            return ()
        return shown_plane(image, axes, self._viewer.dims)

    def _use_own_threshold(self) -> None:
        self._is_own_threshold = True

    def _use_chosen_threshold(self) -> None:
        self._is_own_threshold = False
        self._split_again()

    def _split_again(self) -> None:
        image = self.image.layer
        if image is None:
            return
        image_maps = self._results.get((image.unique_id, self._wanted_plane(image)))
        if image_maps is not None:
            self._splitting.request(
                image, image_maps, self._slider_settings(image_maps)
            )

    def _slider_settings(self, image_maps: ImageMaps) -> SegmentationSettings:
        """Take threshold and smallest area from the sliders, the rest from the maps."""
        threshold = round(self.threshold.value, 2)
        own = image_maps.model.config.splitting.threshold
        return replace(
            image_maps.request.settings,
            # The slider has two decimals, a model may have more.
            threshold=own if round(own, 2) == threshold else threshold,
            min_area=round(self.min_area.value) or None,
        )

    def _forget(self, event: Any) -> None:
        """Free the maps of an image that has been removed."""
        for key in [key for key in self._results if key[0] == event.value.unique_id]:
            del self._results[key]
        self._layers.forget(event.value)


def _command(
    image: Image,
    model: str,
    settings: SegmentationSettings,
    axes: str,
    channel: int | None,
) -> str:
    path = image.source.path or f"{image.name}.tif"
    return segment_command(path, model, settings, axes, channel)
