"""The controls of the fine-tuning widget, and the run they stand for.

The run itself is in ``training_process``, what is shown of it in ``widget``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import SpinBox
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.core.settings.training import DEFAULT_MINUTES
from napari_unet_nuclei.plugin.finetune.annotation_control import AnnotationControl
from napari_unet_nuclei.plugin.finetune.layer_pair import LayerPair
from napari_unet_nuclei.plugin.finetune.name_control import NameControl
from napari_unet_nuclei.plugin.finetune.pair_line import PairLine
from napari_unet_nuclei.plugin.finetune.report_lines import ReportLines
from napari_unet_nuclei.plugin.finetune.training_list import DataSet, TrainingList
from napari_unet_nuclei.plugin.finetune.training_process import FineTuneRequest
from napari_unet_nuclei.plugin.shared.axes_control import AxesControl
from napari_unet_nuclei.plugin.shared.docking import show_row
from napari_unet_nuclei.plugin.shared.form import make_form
from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    import napari.viewer
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.finetune.findings import InputReport
    from napari_unet_nuclei.plugin.finetune.training_process import MakeCommand

_MAX_MINUTES = 240
_LABELS_TOOLTIP = (
    "One number per nucleus, 0 for background. Say below where every nucleus is "
    "labelled. Planes of a stack without labels are left out."
)


class FineTuneForm:
    """What the user chooses: images and their labels, a start model, time and name.

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
    on_add : callable
        Called when the user wants the chosen pair on the list.
    on_change : callable
        Called after something else has been chosen to train on.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        *,
        is_running: Callable[[], bool],
        on_confirm: Callable[[], object],
        on_withdraw: Callable[[], object],
        on_add: Callable[[], object],
        on_change: Callable[[], object],
    ) -> None:
        self._viewer, self._on_change = viewer, on_change
        self.image = LayerChoice(
            viewer, Image, label="Image", tooltip="The image the labels belong to"
        )
        self.annotations = LayerChoice(
            viewer, Labels, label="Labels", tooltip=_LABELS_TOOLTIP
        )
        self.axes = AxesControl(viewer, self.image, lambda: self._follow_axes())
        self.pair = PairLine(
            viewer,
            self.image,
            self.annotations,
            is_running=is_running,
            on_confirm=on_confirm,
            on_withdraw=on_withdraw,
        )
        self.annotation = AnnotationControl(viewer, on_change)
        self.more = TrainingList(viewer, on_add=on_add, on_change=on_change)
        self.lines = ReportLines(self._count_only_painted)
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
        self.native: QWidget = make_form(
            [
                *(self.image, self.axes, self.annotations, self.pair),
                *(self.lines.chosen, *self.annotation.widgets),
                *(*self.more.widgets, *self.lines.widgets),
                *(self.start, self.minutes, self.name.field, self.name.words),
            ]
        )
        self._connect()

    def _connect(self) -> None:
        for choice in (self.image, self.annotations, self.start):
            choice.changed.connect(lambda: self._on_change())
        self.annotation.draw_button.changed.connect(
            lambda: self.annotation.draw(self.image.layer)
        )

    def _follow_axes(self) -> None:
        self.pair.refresh()
        self._on_change()

    @property
    def takes_chosen(self) -> bool:
        """Whether the pair that is chosen above the list is trained on."""
        has_both = None not in (self.image.layer, self.annotations.layer)
        return not self.more.items or (has_both and bool(self.more.takes_chosen.value))

    @property
    def pairs(self) -> dict[Hashable, LayerPair]:
        """All pairs of layers to train on, by their keys; the chosen one is first.

        One that is chosen and listed is trained on as the list says.
        """
        pairs = [self.chosen_pair()] if self.takes_chosen else []
        pairs += [each for each in self.more.items if isinstance(each, LayerPair)]
        return {pair.key: pair for pair in pairs}

    @property
    def folders(self) -> list[Path]:
        """Data sets to train on as well."""
        return [each.path for each in self.more.items if isinstance(each, DataSet)]

    @property
    def start_path(self) -> Path:
        """The model to start from.

        Raises
        ------
        TrainingError, ModelError
            If none is chosen, or its file is gone.
        """
        start = self.start.model
        if start is None:
            raise TrainingError(
                "No model to start from is chosen: choose one or open a model file."
            )
        return model_store.find_model(start)

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
        TrainingError, ModelError, ImageError, SettingsError, LabelsError
            If a layer, an area or the model is missing, or axes or name cannot be
            used.
        """
        pairs = self.pairs
        if self.takes_chosen:
            self.axes.check()
        return FineTuneRequest(
            pairs=[pair.copy(self._viewer.dims) for pair in pairs.values()],
            folders=self.folders,
            start=self.start_path,
            output=self.name.path,
            minutes=self.minutes.value,
            command=command,
        )

    def chosen_pair(self) -> LayerPair:
        """Return the image and the labels that are chosen.

        Raises
        ------
        TrainingError
            If there is no image, or there are no labels.
        """
        image, labels = self.image.layer, self.annotations.layer
        if image is None or labels is None:
            missing = "an image" if image is None else "labels"
            raise TrainingError(
                "Fine-tuning needs an image and its labels. Received: no layer with "
                f"{missing}; add one, or label nuclei in what Segment nuclei found."
            )
        return LayerPair(
            image=image,
            labels=labels,
            annotated=self.annotation.annotated,
            area=self.annotation.area_layer,
        )

    def show(self, report: InputReport | None) -> None:
        """Say what was found of the input, beside what it is about."""
        self.more.show({} if report is None else report.findings)
        image, labels = self.image.layer, self.annotations.layer
        if report is None:
            self.lines.clear()
            return
        key = None
        if image is not None and labels is not None:
            key = LayerPair(image=image, labels=labels).key
        self.lines.show(report, key, self.annotation.annotated)

    def _count_only_painted(self) -> None:
        self.annotation.how.value = Annotated.PAINTED
