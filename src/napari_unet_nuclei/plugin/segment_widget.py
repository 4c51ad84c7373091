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

from napari_unet_nuclei.core.bundles import read_config
from napari_unet_nuclei.core.errors import ImageError, ModelError, UNetNucleiError
from napari_unet_nuclei.core.model_store import find_model
from napari_unet_nuclei.core.progress import (
    PlaneDone,
    PlaneMeasured,
    Preparing,
    TileDone,
)
from napari_unet_nuclei.core.settings import SegmentationSettings
from napari_unet_nuclei.plugin.adopted_layers import AdoptedLayers
from napari_unet_nuclei.plugin.axes_control import AxesControl
from napari_unet_nuclei.plugin.canvas import (
    chosen_channel,
    show_pixels,
    shown_plane,
)
from napari_unet_nuclei.plugin.commands import segment_command
from napari_unet_nuclei.plugin.form import lay_out, make_form
from napari_unet_nuclei.plugin.freshness import RunInputs, changes, describe_changes
from napari_unet_nuclei.plugin.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.layers import image_array
from napari_unet_nuclei.plugin.live_splitting import LiveSplitting
from napari_unet_nuclei.plugin.model_choice import ModelChoice, models_changed
from napari_unet_nuclei.plugin.pairing import image_of
from napari_unet_nuclei.plugin.result_layers import Result, ResultLayers
from napari_unet_nuclei.plugin.run_panel import RunPanel
from napari_unet_nuclei.plugin.segmentation import (
    SegmentationRequest,
    WarmModel,
    fraction_done,
    iter_segmentation,
)
from napari_unet_nuclei.plugin.sentences import (
    describe_corrected,
    describe_nuclei,
    tell_kept,
)
from napari_unet_nuclei.plugin.watched_pixels import WatchedPixels
from napari_unet_nuclei.plugin.wording import describe_error

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

    from napari_unet_nuclei.plugin.live_table import LiveTable
    from napari_unet_nuclei.plugin.result_layers import ResultKey
    from napari_unet_nuclei.plugin.segmentation import (
        ImageMaps,
        Nuclei,
        SegmentationStep,
    )

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
        self._inputs: dict[ResultKey, RunInputs] = {}
        self._shown_settings: dict[ResultKey, SegmentationSettings] = {}
        self._is_own_threshold = True
        self._pending: list[str] = []
        self._said = ("", "")
        self._seen: ResultKey | None = None
        self.image = LayerChoice(
            viewer,
            Image,
            label="Image",
            tooltip="Grey or colour image; stacks are segmented plane by plane",
        )
        self.axes = AxesControl(viewer, self.image, lambda: self._take_axes())
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
        lay_out(self, form, viewer, n_below=1)
        self.panel.cancel_on_close(self)
        self._layers = ResultLayers(viewer, self.native, self._say_corrected)
        self._adopted = AdoptedLayers(
            viewer, self.native, self._layers, self._say_corrected
        )
        self._splitting = LiveSplitting(
            self.native,
            on_step=self._say_progress,
            on_split=self._show,
            on_error=lambda error: self.panel.say(describe_error(error)),
        )
        for control, unit in (self.min_area, "px²"), (self.diameter, "px"):
            control.native.setSuffix(f" {unit}")
            control.native.setDecimals(0)
            control.native.setSpecialValueText("automatic")
        self.image.follow(self._image_of, unless=lambda: self.panel.is_running)
        self.image.changed.connect(self._offer_planes)
        self._offer_planes()
        self.image.changed.connect(self._show_threshold)
        self.model.changed.connect(self._use_own_threshold)
        self.threshold.changed.connect(self._use_chosen_threshold)
        self.min_area.changed.connect(self._split_again)
        self.diameter.changed.connect(self._show_pending)
        self.tta.changed.connect(self._show_pending)
        self.only_plane.changed.connect(self._show_threshold)
        self._pixels = WatchedPixels(viewer, self.native, self._follow_view)
        self.image.changed.connect(self._watch_image)
        self._watch_image()
        models_changed.connect(self._show_pending)
        self.native.destroyed.connect(self._disconnect)
        self.copy_button.changed.connect(lambda: self.copy_command())
        viewer.layers.events.removed.connect(self._forget)
        self._show_threshold()

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
            image = self._chosen_image()
            show_pixels(self._viewer, image)
            request = self._make_request(image)
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        inputs = RunInputs.of(request)
        self.panel.start(
            iter_segmentation(request, self._models),
            f"Segmenting {image.name}",
            on_step=self._say_progress,
            on_result=lambda result: self._take_result(image, inputs, *result),
            on_end=self._end_run,
            fraction=fraction_done,
            may_be_left=True,
        )

    def _make_request(self, image: Image) -> SegmentationRequest:
        """Say what a run would do now."""
        pixels, axes = image_array(image)
        return SegmentationRequest(
            image=pixels,
            axes=axes,
            model=self._chosen_model(),
            settings=self.settings,
            channel=chosen_channel(image, axes, self._viewer.dims),
            plane=self._wanted_plane(image),
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
        if self._layers.corrected(image):
            hints.append("It finds the nuclei without your corrections.")
        if self._pending:
            hints.append("The nuclei that are shown were made with other settings.")
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

    def _say_progress(self, done: SegmentationStep) -> None:
        match done:
            case Preparing():
                self.panel.say(f"{done.what} …")
            case TileDone():
                self.panel.say(f"Tile {done.n_done} of {done.n_tiles} …")
            case PlaneDone() if done.n_planes > 1:
                self.panel.say(f"Plane {done.n_done} of {done.n_planes} …")
            case PlaneMeasured() if done.n_planes > 1:
                self.panel.say(f"Plane {done.n_done} of {done.n_planes} measured …")

    def _take_result(
        self, image: Image, inputs: RunInputs, image_maps: ImageMaps, nuclei: Nuclei
    ) -> None:
        if image not in self._viewer.layers:
            self._say_removed(image)
            return
        self._splitting.discard()
        key = image.unique_id, image_maps.request.plane
        self._results[key], self._inputs[key] = image_maps, inputs
        own = image_maps.model.config.splitting.threshold
        self.threshold.tooltip = f"{_THRESHOLD_TOOLTIP} The model's own is {own:g}."
        self._show(image, image_maps, nuclei)
        if self._pending or self._maps_of(image) is not image_maps:
            return  # the controls are about another run
        if self._is_own_threshold:
            self._set_threshold(own)
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
        result = Result(
            image=image, image_maps=image_maps, nuclei=nuclei, command=command
        )
        self._shown_settings[result.key] = nuclei.settings
        self._layers.show(result, lambda corrected: self._say(result, corrected))

    def _say(self, result: Result, corrected: LiveTable | None) -> None:
        """Say what is shown, and where corrections are that it does not hold."""
        said = describe_nuclei(result.image_maps, result.nuclei)
        if corrected is not None:
            layer = corrected.layer
            said += f". {tell_kept(layer.name, is_hidden=not layer.visible)}"
        self._said = said, result.image_maps.model.engine.description
        self.panel.say(*self._said)
        self._show_pending()

    def _say_corrected(self, table: LiveTable) -> None:
        self._said = (
            describe_corrected(table.layer.name, table.n_nuclei, table.corrections),
            "",
        )
        if not self.panel.is_running and not self._pending:
            self.panel.say(*self._said)

    def _maps_of(self, image: Image) -> ImageMaps | None:
        """Return the maps the sliders act on, whatever they were made with."""
        return self._results.get((image.unique_id, self._wanted_plane(image)))

    def _watch_image(self) -> None:
        self._pixels.watch(self.image.layer)

    def _disconnect(self) -> None:
        models_changed.disconnect(self._show_pending)

    def _find_changes(self) -> list[str]:
        """Name what has changed since the nuclei of the chosen image were found."""
        image = self.image.layer
        if image is None:
            return []
        inputs = self._inputs.get((image.unique_id, self._wanted_plane(image)))
        if inputs is None:  # perhaps of other planes
            keys = [key for key in self._inputs if key[0] == image.unique_id]
            inputs = self._inputs[keys[-1]] if keys else None
        if inputs is None:
            return []
        try:
            return changes(inputs, RunInputs.of(self._make_request(image)))
        except UNetNucleiError:  # is told of when it is to be segmented
            return ["settings"]

    def _show_pending(self, *_: Any) -> None:
        """Mark the run button where the controls need a new run."""
        was_pending, self._pending = self._pending, self._find_changes()
        self.panel.run_button.text = "● Segment again" if self._pending else "Segment"
        if self.panel.is_running:
            return
        if self._pending:
            self.panel.say(describe_changes(self._pending))
        elif was_pending:
            self.panel.say(*self._said)

    def _end_run(self) -> None:
        """Say what has changed meanwhile, but for a run that failed."""
        self.image.catch_up()
        if self.panel.status.value == self._said[0]:
            self._show_pending()

    def _find_key(self) -> ResultKey | None:
        """Say whose nuclei the sliders are about."""
        image = self.image.layer
        return None if image is None else (image.unique_id, self._wanted_plane(image))

    def _follow_view(self) -> None:
        """Look again after the viewer has shown something else."""
        if self._find_key() != self._seen:
            self._show_threshold()
        else:
            self._show_pending()

    def _show_threshold(self) -> None:
        """Let the slider say what the nuclei that are shown were found with.

        Where a new run is needed, it says what that will use.
        """
        self._show_pending()
        self._seen = self._find_key()
        settings = None if self._seen is None else self._shown_settings.get(self._seen)
        own = self._own_threshold()
        if settings is not None and not self._pending:
            shown = settings.threshold
            self._is_own_threshold = shown == own
            with self.min_area.changed.blocked():
                self.min_area.value = settings.min_area or 0
            self._set_threshold(shown)
        elif self._is_own_threshold:
            self._set_threshold(own)

    def _set_threshold(self, threshold: float | None) -> None:
        if threshold is not None:
            with self.threshold.changed.blocked():
                self.threshold.value = threshold

    def _own_threshold(self) -> float | None:
        """Return the threshold of the chosen model, if its file can be read."""
        try:
            return read_config(find_model(self._chosen_model())).splitting.threshold
        except UNetNucleiError:  # is told of when it is to be used
            return None

    def _take_axes(self) -> None:
        self._offer_planes()
        self._show_threshold()

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
        self._show_threshold()

    def _use_chosen_threshold(self) -> None:
        self._is_own_threshold = False
        self._split_again()

    def _split_again(self) -> None:
        """Split the maps of the chosen image, unless they are of something else."""
        self._show_pending()
        image = self.image.layer
        if image is None or self._pending:
            return
        image_maps = self._maps_of(image)
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
        for kept in (self._results, self._inputs, self._shown_settings):
            for key in [key for key in kept if key[0] == event.value.unique_id]:
                del kept[key]
        self._layers.forget(event.value)
        self._adopted.forget(event.value)
        self._show_pending()


def _command(
    image: Image,
    model: str,
    settings: SegmentationSettings,
    axes: str,
    channel: int | None,
) -> str:
    path = image.source.path or f"{image.name}.tif"
    return segment_command(path, model, settings, axes, channel)
