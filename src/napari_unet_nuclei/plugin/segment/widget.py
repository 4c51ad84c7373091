"""The widget that finds nuclei and lets the threshold be moved afterwards.

Only what connects its parts: the controls are in ``form``, what runs is in
``segmentation``, what is shown in ``result_display``, what is said in ``messages`` and
``result_status``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container
from magicgui.widgets.bases import Widget

from napari_unet_nuclei.core.errors import SettingsError, UNetNucleiError
from napari_unet_nuclei.plugin.segment.adopted_layers import AdoptedLayers
from napari_unet_nuclei.plugin.segment.copied_command import copy_command, same_command
from napari_unet_nuclei.plugin.segment.form import SegmentForm
from napari_unet_nuclei.plugin.segment.freshness import RunInputs, changes
from napari_unet_nuclei.plugin.segment.kept_runs import KeptRun, KeptRuns, Said
from napari_unet_nuclei.plugin.segment.live_splitting import LiveSplitting
from napari_unet_nuclei.plugin.segment.map_layers import MapLayers
from napari_unet_nuclei.plugin.segment.messages import (
    describe_corrected,
    describe_details,
    describe_missing_maps,
    describe_progress,
    describe_removed,
    describe_result,
)
from napari_unet_nuclei.plugin.segment.region_choice import RegionKind
from napari_unet_nuclei.plugin.segment.result_display import ResultDisplay, load_tables
from napari_unet_nuclei.plugin.segment.result_layers import ResultLayers
from napari_unet_nuclei.plugin.segment.result_status import RUN_TEXT, ResultStatus
from napari_unet_nuclei.plugin.segment.results import Result
from napari_unet_nuclei.plugin.segment.segmentation import (
    fraction_done,
    iter_segmentation,
)
from napari_unet_nuclei.plugin.segment.tool_buttons import ToolButtons
from napari_unet_nuclei.plugin.segment.wanted_runs import WantedRuns
from napari_unet_nuclei.plugin.segment.warm_model import WarmModel
from napari_unet_nuclei.plugin.segment.watched_pixels import WatchedPixels
from napari_unet_nuclei.plugin.shared.canvas import show_pixels
from napari_unet_nuclei.plugin.shared.docking import lay_out
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.journals import journals_of
from napari_unet_nuclei.plugin.shared.model_choice import models_changed
from napari_unet_nuclei.plugin.shared.pixel_size import pixel_area
from napari_unet_nuclei.plugin.shared.run_panel import RunPanel
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.live_table import LiveTable
    from napari_unet_nuclei.plugin.segment.results import ResultKey
    from napari_unet_nuclei.plugin.segment.segmentation import (
        ImageMaps,
        Nuclei,
        SegmentationStep,
    )


class SegmentWidget(Container[Widget]):
    """Segments an image layer and keeps its maps, so that sliders act at once.

    Keeps in step: the labels layer with threshold and smallest area, the button and
    the status line with the last result and with what a new run would change.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images come from and labels go.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._models = WarmModel(load_tables)
        self._runs = KeptRuns()
        self._seen: ResultKey | None = None
        self.panel = RunPanel(
            RUN_TEXT, "Find the nuclei in the chosen image", self.segment
        )
        self._status = ResultStatus(self.panel, self._runs)
        tools = ToolButtons(lambda: self.show_maps(), lambda: self.copy_command())
        self.maps_button, self.copy_button = tools.maps, tools.copy
        super().__init__(widgets=[self.panel, tools], labels=False)
        self._form = SegmentForm(
            viewer,
            is_running=lambda: self.panel.is_running,
            on_target=self._take_target,
            on_input=self._show_pending,
            on_slider=self._split_again,
        )
        form, controls = self._form, self._form.controls
        sliders = controls["separation"].native
        lay_out(self, form.native, viewer, n_below=1, in_sight=sliders)
        self.image, self.axes, self.model = form.image, form.axes, form.model
        self.threshold, self.separation = controls["threshold"], controls["separation"]
        self.min_area, self.max_area = controls["min_area"], controls["max_area"]
        self.drop_border, self.smooth = controls["drop_border"], controls["smooth"]
        self.diameter, self.tta = controls["diameter"], controls["tta"]
        self.stain, self.only_plane = controls["stain"], form.only_plane
        self.region = form.region
        self.panel.cancel_on_close(self)
        self._layers = ResultLayers(viewer, self.native)
        self._adopted = AdoptedLayers(
            viewer, self.native, self._layers, self._say_corrected
        )
        self._display = ResultDisplay(
            *(viewer, self.native, self._layers),
            earlier=self._adopted,
            on_edit=self._say_corrected,
        )
        self._maps = MapLayers(viewer)
        journals_of(viewer, self.native)  # results are kept whoever corrects them
        self._splitting = LiveSplitting(
            self.native,
            on_step=self._say_progress,
            on_split=self._show,
            on_error=lambda error: self.panel.say(describe_error(error)),
        )
        self._pixels = WatchedPixels(viewer, self.native, self._follow_view)
        self._wanted = WantedRuns(
            *(viewer, self.native, self.panel, self.image), self.segment
        )
        models_changed.connect(self._show_pending)
        self.native.destroyed.connect(self._disconnect)
        viewer.layers.events.removed.connect(self._forget)
        self._take_target()

    @property
    def settings(self) -> SegmentationSettings:
        """What the controls say; see `SettingsControls.settings`."""
        return self._form.controls.settings

    def segment(self) -> None:
        """Find the nuclei of the chosen image, in the background."""
        if self.panel.is_running:
            return
        self._follow_view()  # which otherwise happens only once a slider rests
        try:
            image = self._form.chosen_image()
            show_pixels(self._viewer, image)
            request = self._form.make_request(image)
            shown = self._layers.get(self._form.key)
            request = self.region.narrow(request, image, shown)
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        inputs = RunInputs.of(request)
        self.panel.start(
            iter_segmentation(request, self._models),
            f"Segmenting {image.name}",
            TaskCallbacks(
                on_step=self._say_progress,
                on_result=lambda result: self._take_result(image, inputs, *result),
                on_end=self._end_run,
                fraction=fraction_done,
            ),
            may_be_left=True,
        )

    def copy_command(self) -> None:
        """Put the command that does the same on the clipboard."""
        try:
            image = self._form.chosen_image()
            request = self._form.make_request(image)
        except UNetNucleiError as error:
            self.panel.refuse(error)
            return
        run = self._runs.get(self._form.key)
        said = copy_command(
            image,
            request,
            is_coarse=run is not None and bool(run.image_maps.request.level),
            is_region=self.region.value != RegionKind.WHOLE,
            has_corrections=self._layers.has_corrections(image),
            is_pending=self._status.is_pending,
        )
        self.panel.say(*said)

    def show_maps(self) -> None:
        """Show what the network made of the chosen image as layers."""
        image, run = self.image.layer, self._runs.get(self._form.key)
        if image is None or run is None:
            self.panel.say("There are no maps of this image yet: press Segment first.")
        else:
            self._maps.show(image, run.image_maps)

    def _say_progress(self, step: SegmentationStep) -> None:
        if said := describe_progress(step):
            self.panel.say(said)

    def _take_result(
        self, image: Image, inputs: RunInputs, image_maps: ImageMaps, nuclei: Nuclei
    ) -> None:
        if image not in self._viewer.layers:
            self.panel.say(describe_removed(image.name))
            return
        self._splitting.discard()
        key = image.unique_id, image_maps.request.plane
        run = KeptRun(image_maps=image_maps, inputs=inputs, settings=nuclei.settings)
        self._runs.keep(key, run)
        self._form.controls.tell_own(image_maps.model.config.splitting)
        self._show(image, image_maps, nuclei)
        self._maps.update(image, image_maps)
        if self._status.is_pending or self._form.key != key:
            return  # the controls are about another run
        self._form.controls.show_own()
        # A slider may have been moved while the network was busy.
        self._splitting.follow(
            self._form.controls, image, image_maps, unless=nuclei.settings
        )

    def _end_run(self) -> None:
        """Say what has changed meanwhile, unless the run failed."""
        self.image.catch_up()
        if self._status.is_of_result:
            self._show_pending()
        self._wanted.start()

    def _show(self, image: Image, image_maps: ImageMaps, nuclei: Nuclei) -> None:
        if image not in self._viewer.layers:
            self.panel.say(describe_removed(image.name))
            return
        command = same_command(image, image_maps.request, nuclei.settings)
        result = Result(
            image=image, image_maps=image_maps, nuclei=nuclei, command=command
        )
        if (run := self._runs.get(result.key)) is not None:
            run.settings = nuclei.settings
        self._display.show(result, self._say)

    def _say(self, result: Result, corrected: LiveTable | None) -> None:
        """Say what is shown, and which layer holds corrections that it lacks."""
        layer = None if corrected is None else corrected.layer
        text = describe_result(
            result.image_maps, result.nuclei, layer, pixel_area(result.image)
        )
        details = describe_details(result.image_maps, result.nuclei)
        said = Said(text, details, bool(result.nuclei.doubts))
        self._status.say_result(result.key, said)
        self._show_pending()

    def _say_corrected(self, table: LiveTable) -> None:
        said = describe_corrected(table.layer.name, table.n_nuclei, table.corrections)
        self._status.say_corrected(self._layers.key_of(table.layer), said)

    # What the controls say, and what is shown.

    def _take_target(self) -> None:
        """Let the sliders show what the nuclei on show were found with.

        If a new run is needed, they show what that will use.
        """
        self._pixels.watch(self.image.layer)
        before, self._seen = self._seen, self._form.key
        run = self._runs.get(self._seen)
        if before != self._seen:
            self._status.say_run(run)
        self._show_pending()
        if run is not None and not self._status.is_pending:
            self._form.controls.show(run.settings)
        else:
            self._form.controls.show_own()

    def _follow_view(self) -> None:
        """Update after the viewer has shown something else."""
        if self._form.key != self._seen:
            self._take_target()
        else:
            self._show_pending()

    def _show_pending(self, *_: Any) -> None:
        """Mark the run button where the controls need a new run."""
        self._status.mark(self._find_changes())

    def _find_changes(self) -> list[str]:
        """Name what has changed since the nuclei of the chosen image were found."""
        image = self.image.layer
        if image is None:
            return []
        run = self._runs.get(self._form.key) or self._runs.newest_of(image.unique_id)
        if run is None:
            return []
        try:
            return changes(run.inputs, RunInputs.of(self._form.make_request(image)))
        except SettingsError:  # which is said beside the sliders, or when it is used
            return []
        except UNetNucleiError:  # which is reported when it is segmented
            return ["settings"]

    def _split_again(self) -> None:
        """Split the maps of the chosen image, unless they are of something else."""
        self._seen = self._form.key  # or the next change of view resets the slider
        self._show_pending()
        image, run = self.image.layer, self._runs.get(self._form.key)
        if image is None or self._status.is_pending:
            return
        if run is not None:
            self._splitting.follow(self._form.controls, image, run.image_maps)
        elif self._adopted.shows(image) and not self.panel.is_running:
            self.panel.say(describe_missing_maps(RUN_TEXT))

    def _forget(self, event: Any) -> None:
        """Free the maps of an image that has been removed, and what is said of it."""
        key = self._layers.key_of(event.value)
        is_on_show = key is not None and key == self._seen
        self._status.forget(key, is_on_show=is_on_show)
        self._runs.forget(event.value.unique_id)
        self._layers.forget(event.value)
        self._adopted.forget(event.value)
        self._show_pending()

    def _disconnect(self) -> None:
        models_changed.disconnect(self._show_pending)
