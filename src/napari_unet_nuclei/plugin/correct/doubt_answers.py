"""What an answer to a proposal changes in a labels layer, and how it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.instances.editing.deleting import delete_nuclei
from napari_unet_nuclei.core.instances.editing.edit import Edit, EditError, box_of
from napari_unet_nuclei.plugin.correct.actions import Gesture, Scene, correct
from napari_unet_nuclei.plugin.correct.doubt_queue import Answer, Answered
from napari_unet_nuclei.plugin.correct.tools import Tool
from napari_unet_nuclei.plugin.shared.locked_nuclei import accept

if TYPE_CHECKING:
    from napari_unet_nuclei.plugin.correct.doubt_queue import Proposal
    from napari_unet_nuclei.plugin.correct.shown_plane import ShownPlane

_USUAL_DIAMETER = 16.0  # px, of what is framed where there is no nucleus at all


def give_answer(plane: ShownPlane, proposal: Proposal, answer: Answer) -> Answered:
    """Do what follows from an answer.

    Parameters
    ----------
    plane : ShownPlane
        The plane.
    proposal : Proposal
        What was proposed.
    answer : Answer
        What the user has said.

    Returns
    -------
    Answered
        With all that is needed to take it back.

    Raises
    ------
    EditError
        If the layer cannot be changed so, or the nucleus is gone.
    """
    nucleus, added = None, 0
    match answer:
        case Answer.ACCEPTED if proposal.number:
            accept(plane.layer, proposal.number)
        case Answer.DELETED:
            edit = delete_nuclei(plane.labels, [proposal.number])
            nucleus = plane.labels == proposal.number
            plane.apply(edit)
        case Answer.ADDED:
            added = _add(plane, proposal)
    return Answered(
        plane=plane.key,
        proposal=proposal,
        answer=answer,
        nucleus=nucleus,
        added=added,
    )


def take_back(plane: ShownPlane, answered: Answered) -> None:
    """Undo what followed from an answer, as far as it is still there.

    Parameters
    ----------
    plane : ShownPlane
        The plane that the answer was about.
    answered : Answered
        The answer.

    Raises
    ------
    EditError
        If the layer cannot be changed any more.
    """
    number = answered.proposal.number
    match answered.answer:
        case Answer.ACCEPTED if number:
            accept(plane.layer, number, is_accepted=False)
        case Answer.DELETED if answered.nucleus is not None:
            box = _box(answered.nucleus.astype(np.uint8), 1)
            labels = plane.labels[box].copy()
            labels[answered.nucleus[box] & (labels == 0)] = number
            plane.apply(Edit(box, labels, (number,)))
        case Answer.ADDED if answered.added:
            if (plane.labels == answered.added).any():
                plane.apply(delete_nuclei(plane.labels, [answered.added]))


def place_of(
    plane: ShownPlane, proposal: Proposal, diameter: float
) -> tuple[slice, slice]:
    """Return the rows and columns in which a proposal lies.

    Parameters
    ----------
    plane : ShownPlane
        The plane.
    proposal : Proposal
        A nucleus, or a place where one of the typical size may have been missed.
    diameter : float, in px
        The typical size; 0 where there is no nucleus.

    Raises
    ------
    EditError
        If its nucleus is gone.
    """
    if proposal.number:
        return _box(plane.labels, proposal.number)
    row, column = proposal.place
    radius = round((diameter or _USUAL_DIAMETER) / 2)
    return (
        slice(row - radius, row + radius + 1),
        slice(column - radius, column + radius + 1),
    )


def _box(labels: np.ndarray, number: int) -> tuple[slice, slice]:
    return box_of(labels, [number])


def _add(plane: ShownPlane, proposal: Proposal) -> int:
    number = plane.free_number()
    scene = Scene(
        labels=plane.labels_up_to(number), free_number=number, maps=plane.maps
    )
    path = np.array([proposal.place], float)
    gesture = Gesture(tool=Tool.ADD, path=path, is_click=True)
    edit = correct(gesture, scene).edit
    if edit is None or not plane.apply(edit):
        raise EditError("Nothing to add there.")
    return number
