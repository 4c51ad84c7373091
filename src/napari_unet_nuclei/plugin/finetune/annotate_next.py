"""The section *Annotate here next*: tile after tile, found, framed and pre-filled.

What is asked belongs in ``tile_request``, which tile is next in ``tile_search``, what
becomes of it as layers in ``tile_layers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from magicgui.widgets import Container, PushButton
from magicgui.widgets.bases import Widget

from napari_unet_nuclei.core.errors import LabelsError, UNetNucleiError
from napari_unet_nuclei.core.progress import Preparing, Progress
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.finetune.tile_layers import (
    PlaneLabels,
    add_frame,
    mark_checked,
    merge_found,
)
from napari_unet_nuclei.plugin.finetune.tile_request import find_area, make_request
from napari_unet_nuclei.plugin.finetune.tile_search import TileSearch
from napari_unet_nuclei.plugin.shared.removing_layers import remove_layers
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Shapes
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.progress import PlaneDone, TileDone
    from napari_unet_nuclei.core.proposals.candidates import Box
    from napari_unet_nuclei.core.proposals.proposing import ProposedTile
    from napari_unet_nuclei.plugin.finetune.form import FineTuneForm
    from napari_unet_nuclei.plugin.shared.run_panel import RunPanel

_BEGIN, _GO_ON = "Annotate here next", "Checked, next tile"
_BEGIN_TOOLTIP = (
    "Go to the part of the image where the model is least sure, with what it finds "
    "there to be corrected"
)
_GO_ON_TOOLTIP = "Every nucleus in the yellow frame is right now: train on it, go on"
_NOTHING_LEFT = "No tile is left in this plane: all of it is annotated."


@dataclass(frozen=True, kw_only=True, eq=False)
class _OpenTile:
    """A tile that is being corrected."""

    labels: PlaneLabels
    box: Box
    frame: Shapes
    before: NDArray[np.int64]
    filled: NDArray[np.int64]


class AnnotateNext:
    """Leads from tile to tile, and counts those that were checked.

    Keeps in step: its buttons with the frame of the open tile, which the user may
    delete; the form's choice of the area with the tiles that were checked.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where image and labels are.
    form : FineTuneForm
        Says which image, labels and start model.
    panel : RunPanel
        Runs the search.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, form: FineTuneForm, panel: RunPanel
    ) -> None:
        self._viewer, self._form, self._panel = viewer, form, panel
        self._search = TileSearch()
        self._open: _OpenTile | None = None
        self._unwanted: list[tuple[PlaneLabels, Box]] = []
        self._n_nuclei: list[int] = []  # of each tile that was checked
        self.next_button = PushButton(text=_BEGIN, tooltip=_BEGIN_TOOLTIP)
        self.skip_button = PushButton(
            text="Skip",
            tooltip="Take back what was filled in, and never propose this tile again",
            visible=False,
        )
        self.words = StatusLine(value="", visible=False)
        buttons = Container[PushButton](
            widgets=[self.next_button, self.skip_button],
            layout="horizontal",
            labels=False,
        )
        buttons.margins = (0, 0, 0, 0)
        self._section = Container[Widget](widgets=[buttons, self.words], labels=False)
        self._section.margins = (0, 0, 0, 0)
        self.native = self._section.native
        self.next_button.changed.connect(lambda: self.go_on())
        self.skip_button.changed.connect(lambda: self.skip())
        viewer.layers.events.removed.connect(self._follow_layers)
        self.native.destroyed.connect(self._disconnect)

    def go_on(self) -> None:
        """Take the open tile as checked, if there is one, and look for the next."""
        if self._panel.is_running:
            self._say_busy()
            return
        try:
            self._check_open()
            self._find_next()
        except UNetNucleiError as error:
            self._panel.refuse(error)

    def skip(self) -> None:
        """Leave the open tile as it was before, and look for another."""
        if self._panel.is_running:
            self._say_busy()
            return
        tile = self._open
        if tile is None:
            return
        try:
            now = tile.labels.read()[tile.box]
            is_as_filled = (now == tile.filled) & (tile.filled != tile.before)
            tile.labels.paint(tile.box, np.where(is_as_filled, tile.before, now))
            self._unwanted.append((tile.labels, tile.box))
            self._close()
            self._find_next()
        except UNetNucleiError as error:
            self._panel.refuse(error)

    def _say_busy(self) -> None:
        self._tell("Wait for what is running, or cancel it: the next tile comes then.")

    def _check_open(self) -> None:
        """Mark the open tile as annotated, and count it."""
        tile = self._open
        if tile is None:
            return
        numbers = tile.labels.read()[tile.box]
        if (numbers < 0).any():  # within the tile, nothing is unknown any more
            tile.labels.paint(tile.box, np.maximum(numbers, 0))
        annotation = self._form.annotation
        area = find_area(self._viewer, self._form, tile.labels)
        area = mark_checked(self._viewer, tile.labels, area, tile.box)
        annotation.how.value = Annotated.AREA
        annotation.area.choose(area)
        self._n_nuclei.append(np.unique(numbers[numbers > 0]).size)
        self._close()
        self._tell(describe_checked(self._n_nuclei))

    def _find_next(self) -> None:
        labels, request = make_request(self._viewer, self._form, self._unwanted)
        self._panel.start(
            self._search.iter_tile(request),
            f"Looking where {request.start.stem} is least sure",
            TaskCallbacks(
                on_step=self._follow,
                on_result=lambda tile: self._show(labels, tile),
                fraction=lambda step: (
                    step.fraction if isinstance(step, Progress) else None
                ),
            ),
            may_be_left=True,
        )

    def _follow(self, step: Preparing | TileDone | PlaneDone) -> None:
        if isinstance(step, Preparing):
            self._panel.say(f"{step.what} …")

    def _show(self, labels: PlaneLabels, tile: ProposedTile | None) -> None:
        """Go to a tile, with what the model finds in it where nothing is painted."""
        if labels.layer not in self._viewer.layers:
            self._panel.say("The labels were deleted meanwhile: choose others.")
            return
        if tile is None:
            self._panel.say(_NOTHING_LEFT)
            return
        try:
            numbers = labels.read()
            before = numbers[tile.box]
            filled = merge_found(before, tile.found, int(max(numbers.max(), 0)) + 1)
            self._check_room(labels, filled)
            labels.paint(tile.box, filled)
        except UNetNucleiError as error:
            self._panel.refuse(error)
            return
        frame = add_frame(self._viewer, labels, tile.box)
        self._viewer.layers.selection.active = labels.layer
        self._open = _OpenTile(
            labels=labels, box=tile.box, frame=frame, before=before, filled=filled
        )
        self._show_buttons()
        n_added = np.unique(filled[(filled > 0) & (filled != before)]).size
        self._panel.say(
            f"Correct what is in the yellow frame, where {_count(n_added, 'nucleus')} "
            f"of the model {'was' if n_added == 1 else 'were'} filled in. Then press "
            f"{_GO_ON}."
        )

    @staticmethod
    def _check_room(labels: PlaneLabels, filled: NDArray[np.int64]) -> None:
        kind = np.dtype(labels.layer.data.dtype)
        if filled.max() > np.iinfo(kind).max:
            raise LabelsError(
                f"The labels {labels.layer.name!r} have no numbers left for more "
                f"nuclei. Received: {kind}; convert them to int32 in napari's menu "
                "Layers."
            )

    def _close(self) -> None:
        tile, self._open = self._open, None
        if tile is not None and tile.frame in self._viewer.layers:
            remove_layers(self._viewer, [tile.frame])
        self._show_buttons()

    def _show_buttons(self) -> None:
        is_open = self._open is not None
        self.next_button.text = _GO_ON if is_open else _BEGIN
        self.next_button.tooltip = _GO_ON_TOOLTIP if is_open else _BEGIN_TOOLTIP
        self.skip_button.visible = is_open

    def _tell(self, text: str) -> None:
        self.words.value, self.words.visible = text, True

    def _follow_layers(self, *_: object) -> None:
        """Close the tile whose frame, image or labels the user has deleted."""
        tile = self._open
        if tile is None:
            return
        needed = tile.frame, tile.labels.image, tile.labels.layer
        if not all(layer in self._viewer.layers for layer in needed):
            self._close()

    def _disconnect(self) -> None:
        self._viewer.layers.events.removed.disconnect(self._follow_layers)


def describe_checked(n_nuclei: list[int]) -> str:
    """Say how much has been done.

    Parameters
    ----------
    n_nuclei : list of int
        Nuclei of each tile that was checked.

    Returns
    -------
    str
        Such as ``"3 tiles, 57 nuclei checked"``.
    """
    tiles, nuclei = _count(len(n_nuclei), "tile"), _count(sum(n_nuclei), "nucleus")
    return f"{tiles}, {nuclei} checked"


def _count(n: int, what: str) -> str:
    plural = {"nucleus": "nuclei", "tile": "tiles"}[what]
    return f"{n} {what if n == 1 else plural}"
