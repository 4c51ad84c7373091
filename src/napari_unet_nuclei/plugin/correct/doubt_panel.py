"""The part of the widget that proposes one doubtful nucleus after the other.

When a plane is measured, and which plane comes next, is in ``doubt_tour``; what an
answer changes in ``doubt_answers``; view and frame in ``doubt_view``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import Container, PushButton

from napari_unet_nuclei.core.instances.editing.edit import EditError
from napari_unet_nuclei.plugin.correct.doubt_answers import (
    give_answer,
    place_of,
    take_back,
)
from napari_unet_nuclei.plugin.correct.doubt_keys import KEYS, DoubtKeys, Step
from napari_unet_nuclei.plugin.correct.doubt_queue import Answer
from napari_unet_nuclei.plugin.correct.doubt_tour import DoubtTour
from napari_unet_nuclei.plugin.correct.doubt_view import DoubtView

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Labels
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.correct.doubt_queue import Proposal
    from napari_unet_nuclei.plugin.correct.shown_plane import ShownPlane

NOTHING_LEFT = "Nothing doubtful is left."
_SPACING = 3  # px
_SEARCHING = "Looking for doubtful nuclei…"


class DoubtPanel(Container[PushButton]):
    """Proposes doubtful nuclei and takes answers.

    Keeps in step: what is proposed with labels, locked nuclei and the plane on show,
    the buttons with what is proposed, the table of the layer with the doubts.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose view is moved.
    owner : QWidget
        Everything ends with it.
    offer_layer : callable
        Returns the layer to work on, activated if none is active.
    say : callable
        Shows a sentence in the status line of the widget.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QWidget,
        offer_layer: Callable[[], Labels | None],
        say: Callable[[str], object],
    ) -> None:
        self._offer_layer = offer_layer
        self._say = say
        self.proposal: Proposal | None = None
        self.next_button = _button(
            "Next doubtful", "Go to the next nucleus that may be wrong", Step.NEXT
        )
        self.accept_button = _button("Accept", "It is right as it is", Step.ACCEPT)
        self.delete_button = _button("Delete", "It is no nucleus", Step.DELETE)
        self.back_button = _button("Back", "Take the last answer back", Step.BACK)
        super().__init__(
            widgets=[
                *(self.next_button, self.accept_button),
                *(self.delete_button, self.back_button),
            ],
            layout="horizontal",
            labels=False,
        )
        self.margins = (0, 0, 0, 0)
        self.native.layout().setSpacing(_SPACING)
        self._view = DoubtView(viewer, owner)
        self.tour = DoubtTour(viewer, owner, self._follow)
        actions = {
            Step.NEXT: self.next,
            Step.ACCEPT: self.accept,
            Step.DELETE: self.delete,
            Step.BACK: self.back,
        }
        self._keys = DoubtKeys(actions, owner)
        for button, step in (
            (self.next_button, Step.NEXT),
            (self.back_button, Step.BACK),
            (self.accept_button, Step.ACCEPT),
            (self.delete_button, Step.DELETE),
        ):
            button.changed.connect(lambda _, do=actions[step]: do())
        self._show(None)

    def move_to(self, layer: Labels | None) -> None:
        """Work on another labels layer."""
        self._keys.move_to(layer)
        self.tour.move_to(layer)
        self._show(None)

    def stop(self) -> None:
        """Follow nothing any more."""
        self._view.stop()
        self.tour.stop()

    # What the user does.

    def next(self) -> None:
        """Go to the next; what is shown without an answer is skipped."""
        if self.proposal is not None:
            self._answer(Answer.SKIPPED)
        elif self.tour.layer is not None or self._offer_layer() is not None:
            self._ask_for_next()

    def accept(self) -> None:
        """Say that a nucleus is right, or that there is none at a place."""
        self._answer(Answer.ACCEPTED)

    def delete(self) -> None:
        """Delete the nucleus, or add one where one was missed."""
        if self.proposal is not None:
            is_nucleus = self.proposal.number > 0
            self._answer(Answer.DELETED if is_nucleus else Answer.ADDED)

    def back(self) -> None:
        """Take the last answer back, and show what it was about."""
        answered = self.tour.last_answer()
        if answered is None:
            return
        try:
            plane = self.tour.show_plane(answered.plane)
            take_back(plane, answered)
            self.tour.forget_answer()
            self._show(answered.proposal, plane)
        except EditError as error:
            self._say(str(error))

    # What follows.

    def _answer(self, answer: Answer) -> None:
        if self.proposal is None:
            return
        try:
            plane = self.tour.plane()
            self.tour.note_answer(give_answer(plane, self.proposal, answer))
        except EditError as error:
            self._say(str(error))
            return
        self._show(None)
        self._ask_for_next()

    def _ask_for_next(self) -> None:
        self._say(_SEARCHING)
        try:
            self.tour.find_next()
        except EditError as error:
            self._say(str(error))

    def _follow(self, *, is_answer: bool) -> None:
        """Show what the tour has found, or that something else has changed."""
        if not is_answer:
            if self.proposal is not None and not self.tour.is_left(self.proposal):
                self._show(None)
            self._show_count()
            return
        found = self.tour.found
        try:
            self._show(found, self.tour.plane())
        except EditError as error:
            self._show(None)
            self._say(str(error))
            return
        if found is None:
            self._say(f"{NOTHING_LEFT} {self.tour.describe()}")

    def _show(self, proposal: Proposal | None, plane: ShownPlane | None = None) -> None:
        self.proposal = proposal
        if proposal is None or plane is None:
            self._view.clear()
        else:
            diameter = self.tour.diameter(plane)
            self._view.show(plane, place_of(plane, proposal, diameter), diameter)
            self._say(f"{_describe(proposal)} {self.tour.describe()}")
            if proposal.number:
                plane.layer.selected_label = proposal.number
        is_spot = proposal is not None and not proposal.number
        self.accept_button.text = "Nothing there" if is_spot else "Accept"
        self.delete_button.text = "Add it" if is_spot else "Delete"
        for button in (self.accept_button, self.delete_button):
            button.visible = proposal is not None
        self._show_count()

    def _show_count(self) -> None:
        """Say on the buttons what can be done, and how much is left."""
        self.back_button.enabled = self.tour.last_answer() is not None
        n_left = self.tour.n_left()
        counted = "" if n_left is None else f" ({n_left:,})"
        is_shown = self.proposal is not None
        self.next_button.text = "Skip" if is_shown else f"Next doubtful{counted}"


def _describe(proposal: Proposal) -> str:
    name = f"Nucleus {proposal.number}. " if proposal.number else ""
    return name + proposal.sentence


def _button(text: str, what: str, step: Step) -> PushButton:
    keys = " or ".join(KEYS[step])
    return PushButton(text=text, tooltip=f"{what} (key {keys})")
