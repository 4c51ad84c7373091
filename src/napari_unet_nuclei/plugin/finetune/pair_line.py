"""Image and labels that belong together: two lists in step, a question where unclear.

The confidence in a pair is estimated in ``pairing``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, PushButton
from magicgui.widgets.bases import Widget
from napari.layers import Image, Labels

from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.pairing import (
    Confidence,
    Pairing,
    image_of,
    labels_of,
    pair,
)
from napari_unet_nuclei.plugin.shared.status_line import StatusLine
from napari_unet_nuclei.plugin.shared.theme import DOUBT, PROBLEM, mark

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import napari.viewer
    from napari.layers import Layer

    from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice


_MOVING = ("data", "scale", "translate", "rotate", "shear", "affine", "units")


class PairLine(Container[Widget]):
    """Says whether the chosen image and labels belong together, and asks if unclear.

    Keeps in step: the two lists with each other and with napari's active layer, the
    line with the two lists.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose layers there are.
    image, labels : LayerChoice
        The lists.
    is_running : callable
        Whether a task is running; the lists stay as they are meanwhile.
    on_confirm : callable
        Called when the user says yes after being asked.
    on_withdraw : callable
        Called when other layers are chosen after the user was asked.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        image: LayerChoice,
        labels: LayerChoice,
        *,
        is_running: Callable[[], bool],
        on_confirm: Callable[[], object],
        on_withdraw: Callable[[], object],
    ) -> None:
        self._viewer = viewer
        self._image_list, self._labels_list = image, labels
        self._on_confirm = on_confirm
        self._on_withdraw = on_withdraw
        self._confirmed: set[tuple[Hashable, Hashable]] = set()
        self._is_asked = False
        self._pairing: Pairing | None = None
        self._layer_events = LayerEvents(_MOVING, self.refresh)
        self.words = StatusLine()
        self.yes_button = PushButton(
            text="Yes, they belong together",
            tooltip="Train on this image and these labels anyway",
            visible=False,
        )
        super().__init__(widgets=[self.words, self.yes_button], labels=False, label="")
        self.tooltip = "Whether the labels belong to the image"
        self.margins = (0, 0, 0, 0)
        button = self.yes_button.native
        button.setMinimumHeight(button.sizeHint().height())
        self.yes_button.changed.connect(lambda: self._confirm())
        image.follow(self._image_of, unless=is_running)
        labels.follow(self._labels_of, unless=is_running)
        image.changed.connect(self._pair_labels)
        labels.changed.connect(self._pair_image)
        for event in self._events:
            event.connect(self.refresh)
        self.native.destroyed.connect(self._disconnect)
        self.refresh()

    def ask(self) -> str:
        """Return the question that must be answered before training, if there is one.

        Returns
        -------
        str
            Empty where the pair is clear, or the user has said yes.

        Raises
        ------
        TrainingError
            If these can never be labels of this image.
        """
        self.refresh()  # transforms and pixels may have changed
        pairing = self._pairing
        if pairing is None or pairing.confidence >= Confidence.PLAUSIBLE:
            return ""
        if pairing.confidence is Confidence.IMPOSSIBLE:
            raise TrainingError(pairing.reason)
        if self._is_confirmed:
            return ""
        self._is_asked = True
        return (
            f"{pairing.reason} Train on this pair? Press {self.yes_button.text!r}, or "
            "choose other layers."
        )

    def catch_up(self) -> None:
        """Follow the layers that became active while a task was running."""
        self._image_list.catch_up()
        self._labels_list.catch_up()

    def refresh(self, *_: Any) -> None:
        """Show whether image and labels belong together."""
        self._layer_events.watch(self._image_list.layer, self._labels_list.layer)
        pairing = self._pairing = self._pair()
        confidence = None if pairing is None else pairing.confidence
        is_open = confidence is Confidence.DOUBTFUL and not self._is_confirmed
        text = "" if pairing is None else pairing.reason
        if is_open:
            text += " Do they belong together?"
        elif confidence is Confidence.DOUBTFUL:
            text += " You said they belong together."
        self.words.value = text
        self.words.visible = bool(text)
        mark(self.words.native, DOUBT, is_set=is_open)
        mark(self.words.native, PROBLEM, is_set=confidence is Confidence.IMPOSSIBLE)
        self.yes_button.visible = is_open

    @property
    def _events(self) -> list[Any]:
        layers = self._viewer.layers.events
        return [layers.inserted, layers.removed, layers.renamed]

    def _pair(self) -> Pairing | None:
        image, labels = self._image_list.layer, self._labels_list.layer
        if image is None or labels is None:
            return None
        return pair(image, labels, self._all(Image))

    @property
    def _key(self) -> tuple[Hashable, Hashable]:
        return self._image_list.value, self._labels_list.value

    @property
    def _is_confirmed(self) -> bool:
        return self._key in self._confirmed

    def _all(self, kind: type[Layer]) -> list[Any]:
        return [layer for layer in self._viewer.layers if isinstance(layer, kind)]

    def _image_of(self, layer: Layer) -> Layer | None:
        if not isinstance(layer, Labels):
            return None
        return image_of(layer, self._all(Image))

    def _labels_of(self, layer: Layer) -> Layer | None:
        if not isinstance(layer, Image):
            return None
        return labels_of(layer, self._all(Labels), self._all(Image))

    def _pair_labels(self, *_: Any) -> None:
        """Follow a choice of the image by hand with its labels."""
        self._withdraw()
        if self._image_list.is_own and self._image_list.layer is not None:
            self._labels_list.suggest(self._labels_of(self._image_list.layer))
        self.refresh()

    def _pair_image(self, *_: Any) -> None:
        """Follow a choice of the labels by hand with their image."""
        self._withdraw()
        if self._labels_list.is_own and self._labels_list.layer is not None:
            self._image_list.suggest(self._image_of(self._labels_list.layer))
        self.refresh()

    def _withdraw(self) -> None:
        if self._is_asked:
            self._is_asked = False
            self._on_withdraw()

    def _confirm(self) -> None:
        was_asked, self._is_asked = self._is_asked, False
        self._confirmed.add(self._key)
        self.refresh()
        if was_asked:
            self._on_confirm()

    def _disconnect(self) -> None:
        for event in self._events:
            event.disconnect(self.refresh)
        self._layer_events.watch()
