"""The controls of the fine-tuning widget, and the run they stand for.

The run itself is in ``training_process``, what is shown of it in ``widget``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import SpinBox
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.settings.training import DEFAULT_MINUTES
from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage
from napari_unet_nuclei.plugin.finetune.annotation_control import AnnotationControl
from napari_unet_nuclei.plugin.finetune.name_control import NameControl
from napari_unet_nuclei.plugin.finetune.pair_line import PairLine
from napari_unet_nuclei.plugin.finetune.training_process import FineTuneRequest
from napari_unet_nuclei.plugin.shared.axes_control import AxesControl
from napari_unet_nuclei.plugin.shared.canvas import chosen_channel
from napari_unet_nuclei.plugin.shared.docking import show_row
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.layers import image_array
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice
from napari_unet_nuclei.plugin.shared.placement import annotated_planes

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.finetune.training_process import MakeCommand

_MAX_MINUTES = 240
_LABELS_TOOLTIP = (
    "One number per nucleus, 0 for background. Say below where every nucleus is "
    "labelled. Planes of a stack without labels are left out."
)


class FineTuneForm:
    """What the user chooses: an image and its labels, a start model, time and name.

    Keeps in step: the drop-down lists with layers and models, image and labels with
    each other.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images and labels come from.
    is_running : callable
        Whether a run is under way; image and labels then stay as they are.
    on_confirm : callable
        Called when the user says that image and labels belong together after all.
    on_withdraw : callable
        Called when that question is no longer open.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        *,
        is_running: Callable[[], bool],
        on_confirm: Callable[[], object],
        on_withdraw: Callable[[], object],
    ) -> None:
        self._viewer = viewer
        self.image = LayerChoice(
            viewer, Image, label="Image", tooltip="The image the labels belong to"
        )
        self.annotations = LayerChoice(
            viewer, Labels, label="Labels", tooltip=_LABELS_TOOLTIP
        )
        self.axes = AxesControl(viewer, self.image, lambda: self.pair.refresh())
        self.pair = PairLine(
            viewer,
            self.image,
            self.annotations,
            is_running=is_running,
            on_confirm=on_confirm,
            on_withdraw=on_withdraw,
        )
        self.annotation = AnnotationControl(viewer, on_change=on_withdraw)
        self.annotation.draw_button.changed.connect(
            lambda: self.annotation.draw(self.image.layer)
        )
        self.start = ModelChoice(
            label="Start from", tooltip="The model that is trained further"
        )
        self.minutes = SpinBox(
            value=DEFAULT_MINUTES,
            min=1,
            max=_MAX_MINUTES,
            label="Time (min)",
            tooltip="A few minutes already help; loading takes another half minute",
        )
        self.name = NameControl(lambda: show_row(self.native, self.name.words.native))
        choices = [self.image, self.axes, self.annotations, self.pair]
        annotation = self.annotation
        choices += [annotation.how, annotation.area, annotation.draw_button]
        settings = [self.start, self.minutes, self.name.field, self.name.words]
        self.native: QWidget = make_form([*choices, *settings])

    def make_request(self, command: MakeCommand) -> FineTuneRequest:
        """Return what a run would do now.

        Parameters
        ----------
        command : callable
            Makes the command line of the training process.

        Returns
        -------
        FineTuneRequest
            Pixels, a copy of the labels, and what the controls say.

        Raises
        ------
        TrainingError, ModelError, ImageError, SettingsError
            If a layer or the model is missing, or axes or name cannot be used.
        """
        pairs = [self.chosen_pair()]
        start = self.start.model
        if start is None:
            raise TrainingError(
                "No model to start from is chosen: choose one or open a model file."
            )
        return FineTuneRequest(
            pairs=pairs,
            start=model_store.find_model(start),
            output=self.name.path,
            minutes=self.minutes.value,
            command=command,
        )

    def chosen_pair(self) -> AnnotatedImage:
        """Return the image and the labels that are chosen, as they are now.

        Returns
        -------
        AnnotatedImage
            With a copy of the labels, because the user may go on painting.

        Raises
        ------
        TrainingError, ImageError, SettingsError, LabelsError
            If a layer is missing, the axes are not clear, or an area is missing.
        """
        image, labels = self._chosen_layers()
        self.axes.check()
        pixels, axes = image_array(image)
        channel = chosen_channel(image, axes, self._viewer.dims)
        painted, plane = annotated_planes(image, labels, channel)
        return AnnotatedImage(
            name=image.name,
            image=pixels,
            axes=axes,
            channel=channel,
            labels=painted,
            plane=plane,
            annotated=self.annotation.annotated,
            area=self.annotation.pixels(image, labels, channel),
        )

    def _chosen_layers(self) -> tuple[Image, Labels]:
        image, labels = self.image.layer, self.annotations.layer
        if image is None or labels is None:
            missing = "an image" if image is None else "labels"
            raise TrainingError(
                "Fine-tuning needs an image and its labels. Received: no layer with "
                f"{missing}; add one, or label nuclei in what Segment nuclei found."
            )
        return image, labels
