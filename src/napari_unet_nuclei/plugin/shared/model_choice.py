"""A drop-down list of models: shipped ones, the user's own, and any file.

Which models there are and where they are kept is in ``core.models.store``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox
from napari.utils.events import EventEmitter
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.models.bundle import SUFFIX
from napari_unet_nuclei.plugin.shared.model_origin import ModelOrigins
from napari_unet_nuclei.plugin.shared.opened_widgets import open_widget

_FILE, _MANAGE = "<file>", "<manage>"  # no names of models look like these
_TITLES = {"resnet": "ResNet (best)", "classic": "Classic (fast)"}

models_changed = EventEmitter(type_name="models_changed")
"""Emitted when a model of the user has been added, renamed or deleted.

Every list then chooses the model that the event names as ``better``, if it names one.
Where ``renamed`` holds an old name and a new one, a list that has chosen the old one
goes on with the new one.
"""


class ModelChoice(ComboBox):
    """Lists every model there is; the last entries open *Models* and ask for a file.

    Parameters
    ----------
    **kwargs
        Options of every magicgui widget: ``label``, ``tooltip``, …
    """

    def __init__(self, **kwargs: Any) -> None:
        self._files: list[Path] = []
        self._last: str | None = None
        self._origins = ModelOrigins()
        super().__init__(choices=lambda _: self._list_models(), **kwargs)
        self._last = self.model
        self._explain()
        self.changed.connect(self._remember)
        # Only a click of the user asks for a file, not a refresh of the list.
        self.native.activated.connect(self._ask_for_file)
        models_changed.connect(self._follow_models)
        self.native.destroyed.connect(self._disconnect)

    @property
    def model(self) -> str | None:
        """Name or path of the chosen model, if one is chosen."""
        return None if self.value in (_FILE, _MANAGE) else self.value

    def _disconnect(self) -> None:
        models_changed.disconnect(self._follow_models)

    def _list_models(self) -> list[tuple[str, str]]:
        shipped = model_store.shipped_models()
        own = [name for name in model_store.user_models() if name not in shipped]
        return [
            *((_TITLES.get(name, name), name) for name in shipped),
            *((name, name) for name in own),
            *((path.name, str(path)) for path in self._files),
            ("Manage models …", _MANAGE),
            ("File …", _FILE),
        ]

    def reset_choices(self, *_: Any) -> None:
        """List the models again and keep the choice."""
        before = self.value
        self._list_anew(before)
        if self.value != before:
            self.changed.emit(self.value)

    def _list_anew(self, chosen: str | None) -> None:
        """List the models, and choose one of them without a word, if it is there."""
        with self.changed.blocked():
            self.native.clear()  # or new models would come after the last entry
            super().reset_choices()
            if chosen in self.choices:
                self.value = chosen
        self._explain()

    def _follow_models(self, event: Any) -> None:
        """List the models again, and choose the one that is said to be better."""
        old, new = getattr(event, "renamed", (None, None))
        if old is not None and self.value == old:
            self._list_anew(new)
            self.changed.emit(self.value)
        else:
            self.reset_choices()
        better = getattr(event, "better", None)
        if better in self.choices:
            self.value = better

    def _explain(self) -> None:
        """Let the tooltip of each model of the user say how it was made."""
        shipped = model_store.shipped_models()
        own = {
            n: path for n, path in model_store.user_models().items() if n not in shipped
        }
        paths = own | {str(path): path for path in self._files}
        for row, name in enumerate(self.choices):
            if name in paths:
                text = self._origins.describe(paths[name])
                self.native.setItemData(row, text, Qt.ItemDataRole.ToolTipRole)

    def open_file(self, path: Path) -> None:
        """Add a file to the list and choose it.

        Parameters
        ----------
        path : Path
            A ``.unetnuclei`` file; it is checked when it is used.
        """
        if path not in self._files:
            self._files.append(path)
        self.reset_choices()
        self.value = str(path)

    def prefer(self, model: str) -> None:
        """Choose a model of the list, or a file, if there is one of this name.

        Parameters
        ----------
        model : str
            Name or path.
        """
        if model in self.choices:
            self.value = model
        elif model.endswith(SUFFIX) and Path(model).is_file():
            self.open_file(Path(model))

    def _remember(self, value: str) -> None:
        if value not in (_FILE, _MANAGE):
            self._last = value

    def _ask_for_file(self, *_: object) -> None:
        if self.value == _MANAGE:
            self._go_back()
            open_widget("Models")
        if self.value != _FILE:
            return
        path, _filter = QFileDialog.getOpenFileName(
            self.native,
            "Choose a model",
            str(model_store.user_model_folder()),
            f"Models (*{SUFFIX})",
        )
        if path:
            self.open_file(Path(path))
        else:
            self._go_back()

    def _go_back(self) -> None:
        """Choose what was chosen before."""
        if self._last in self.choices:
            self.value = self._last
