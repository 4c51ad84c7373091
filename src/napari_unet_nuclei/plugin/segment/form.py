"""The controls of the segment widget, laid out by use, and the run they ask for.

How nuclei are found is chosen in ``settings_controls``; what a run makes of it is known
to ``segmentation``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import CheckBox
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import ImageError, ModelError, UNetNucleiError
from napari_unet_nuclei.core.models.bundle import read_config
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.plugin.segment.form_memory import FormMemory
from napari_unet_nuclei.plugin.segment.region_choice import RegionChoice
from napari_unet_nuclei.plugin.segment.request import SegmentationRequest
from napari_unet_nuclei.plugin.segment.settings_controls import SettingsControls
from napari_unet_nuclei.plugin.shared.axes_control import AxesControl
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel, shown_plane
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.layers import image_array, image_pyramid
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice
from napari_unet_nuclei.plugin.shared.pairing import image_of
from napari_unet_nuclei.plugin.shared.pixel_size import pixel_area, plane_spacing
from napari_unet_nuclei.plugin.shared.preferences import apply_preferences
from napari_unet_nuclei.plugin.shared.sections import Section
from napari_unet_nuclei.plugin.shared.small_buttons import (
    make_small_button,
    put_side_by_side,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from magicgui.widgets.bases import Widget
    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.core.instances.maps import SplittingParameters
    from napari_unet_nuclei.plugin.segment.results import ResultKey


_OF_STACKS = ("link", "min_planes")


class SegmentForm:
    """What the user chooses: an image, a model, and how nuclei are found.

    Keeps in step: the axes and the box for the plane on show with the image, threshold
    and separation with the model until the user has moved them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose images to offer.
    is_running : callable
        Whether a run is under way; the choice of the image then stays as it is.
    on_target : callable
        Called when another image, other axes, another model or other planes are chosen.
    on_input : callable
        Called when a new run would see other settings.
    on_slider : callable
        Called when the maps can be split again.
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
        self._on_target = on_target
        self.image = LayerChoice(
            viewer,
            Image,
            label="Image",
            tooltip="Grey or colour image; stacks are segmented plane by plane",
        )
        self.axes = AxesControl(viewer, self.image, lambda: self._take_target())
        preferences = apply_preferences()  # which say where models are
        self.model = ModelChoice(
            label="Model", tooltip="Models you have fine-tuned appear here too"
        )
        self.model.prefer(preferences.default_model)
        self.region = RegionChoice(viewer)
        self.controls = SettingsControls(
            self._own_parameters,
            on_input=lambda: self._follow_user(on_input),
            on_slider=lambda: self._follow_user(on_slider),
        )
        self.only_plane = CheckBox(
            value=False,
            text="Only the shown plane",
            tooltip="Segment only the plane of the stack on show, to try out settings; "
            "its nuclei get their own layer",
        )
        self.own_button = make_small_button(
            "Model's own",
            "Take the threshold and separation that the training of the model found "
            "best",
            self.controls.restore_own,
        )
        self.defaults_button = make_small_button(
            "Restore defaults",
            "Set back how nuclei are found; image and model stay",
            self.controls.restore_defaults,
        )
        self.sections = self._make_sections()
        self.native: QWidget = self._lay_out()
        self._memory = FormMemory(self.controls, self.sections, self.native)
        self.image.follow(self._image_of, unless=is_running)
        self._offer_planes()
        self._summarise()
        self.image.changed.connect(lambda: self._take_target())
        self.model.changed.connect(lambda: self._take_model())
        self.only_plane.changed.connect(lambda: on_target())
        self.axes.field.changed.connect(lambda: self._summarise())

    @property
    def key(self) -> ResultKey | None:
        """The chosen image, and the plane if only one is segmented."""
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
            settings=self.controls.settings,
            channel=chosen_channel(image, axes, self._viewer.dims),
            plane=self.plane_of(image),
            pyramid=image_pyramid(image, axes),
            spacing=plane_spacing(image),
        )

    def plane_of(self, image: Image) -> tuple[int, ...] | None:
        """Return the place of the plane to segment; ``None`` for all of them."""
        return (self._shown_plane(image) or None) if self.only_plane.value else None

    def _make_sections(self) -> dict[str, Section]:
        """Fold away what is chosen once for an image, not again and again."""
        controls = self.controls
        rows: dict[str, list[Widget | QWidget]] = {
            "Model": [self.model, controls["diameter"], controls["tta"]],
            "Axes and stain": [self.axes, controls["stain"]],
        }
        return {
            title: Section(
                title, rows[title], on_toggle=lambda: self._memory.note_change()
            )
            for title in rows
        }

    def _lay_out(self) -> QWidget:
        """Put on top what acts at once, below it what the next run needs."""
        at_once = ("min_area", "max_area", "drop_border", "smooth")
        return make_form(
            [
                self.image,
                self.only_plane,
                self.region,
                self.controls["threshold"],
                self.controls["separation"],
                put_side_by_side(self.own_button, self.defaults_button),
                *(self.controls[name] for name in (*at_once, *_OF_STACKS)),
                *self.sections.values(),
            ]
        )

    def _summarise(self) -> None:
        """Say in the headers of folded sections what differs from the default."""
        controls = self.controls
        model = [str(self.model.native.currentText())]
        if diameter := controls["diameter"].value:
            model.append(f"{diameter:g} px")
        if controls["tta"].value:
            model.append("flipped views")
        stain = controls["stain"]
        image = [self.axes.field.value]
        if stain.value != Stain.AUTO:
            image.append(stain.native.currentText())
        self.sections["Model"].summarise(", ".join(model))
        self.sections["Axes and stain"].summarise(", ".join(filter(None, image)))

    def _own_parameters(self) -> SplittingParameters | None:
        """Return how the chosen model splits its maps, if its file can be read."""
        if self.model.model is None:
            return None
        try:
            return read_config(find_model(self.model.model)).splitting
        except UNetNucleiError:  # which is reported when the model is used
            return None

    def _follow_user(self, callback: Callable[[], object]) -> None:
        """Keep what the user has chosen in mind, and tell who asked to be told."""
        self._memory.note_change()
        self._summarise()
        callback()

    def _take_target(self) -> None:
        self._offer_planes()
        self._summarise()
        if self.axes.is_doubtful:
            self.sections["Axes and stain"].open()
        self._on_target()

    def _take_model(self) -> None:
        self.controls.forget_own()
        self._summarise()
        self._on_target()

    def _offer_planes(self) -> None:
        image = self.image.layer
        self.controls.use_pixel_area(None if image is None else pixel_area(image))
        is_stack = image is not None and self._shown_plane(image) != ()
        for control in self.only_plane, *(self.controls[name] for name in _OF_STACKS):
            control.visible = is_stack

    def _shown_plane(self, image: Image) -> tuple[int, ...]:
        try:
            _, axes = image_array(image)
        except ImageError:  # which is reported when it is segmented
            return ()
        return shown_plane(image, axes, self._viewer.dims)

    def _image_of(self, layer: Layer) -> Layer | None:
        """Find the image to segment while its labels are active."""
        images = [each for each in self._viewer.layers if isinstance(each, Image)]
        return image_of(layer, images) if isinstance(layer, Labels) else None
