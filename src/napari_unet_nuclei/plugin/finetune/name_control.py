"""The field for the name of a new model, and the words that say what is wrong with it.

Which names are allowed is in ``model_name``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import LineEdit

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.model_name import (
    check_model_name,
    free_model_name,
    model_path,
)
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import PROBLEM, mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TOOLTIP = "Name of the new model in the list of models"


class NameControl:
    """The name of the next model, checked while it is typed.

    Keeps in step: the words below the field with the name in it.

    Parameters
    ----------
    on_problem : callable
        Called after the words have appeared.
    """

    def __init__(self, on_problem: Callable[[], object]) -> None:
        self._on_problem = on_problem
        self._in_use: str | None = None
        self.field = LineEdit(value=free_model_name(), label="Name", tooltip=_TOOLTIP)
        self.words = StatusLine(label="", visible=False)
        self.words.native.setProperty(PROBLEM, True)
        self.field.changed.connect(self._check)

    @property
    def path(self) -> Path:
        """Where the new model is kept.

        Raises
        ------
        TrainingError
            If no new model may have this name.
        """
        return model_path(self.field.value)

    def claim(self, name: str) -> None:
        """Accept a name from now on, because the run of this widget has it."""
        self._in_use = name

    def release(self) -> None:
        """Check that name again, and propose a free one if it is taken by now."""
        name, self._in_use = self._in_use, None
        if self.field.value.strip() == name and self._find_problem():
            self.field.value = free_model_name()
        self._check()

    def _check(self) -> None:
        """Say what is wrong with the name."""
        problem = self._find_problem()
        mark(self.field.native, PROBLEM, is_set=bool(problem))
        self.field.tooltip = problem or _TOOLTIP
        self.words.value = problem
        self.words.visible = bool(problem)
        if problem:
            self._on_problem()

    def _find_problem(self) -> str:
        if self.field.value.strip() == self._in_use:
            return ""
        try:
            check_model_name(self.field.value)
        except TrainingError as error:
            return describe_error(error)
        return ""
