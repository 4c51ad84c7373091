"""Noticing that the pixels of the chosen image or the plane on show have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from napari.layers import Image
    from qtpy.QtWidgets import QWidget

_QUIET_MS = 50


class WatchedPixels:
    """Calls back after the pixels of an image, or the plane on show, may have changed.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose sliders choose plane and channel.
    owner : QWidget
        Nothing is called once this is gone.
    on_change : callable
        Called once for many events in a row.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QWidget,
        on_change: Callable[[], object],
    ) -> None:
        # ``data`` tells of other pixels, ``set_data`` of ``refresh`` too.
        self._events = LayerEvents(("data", "set_data", "axis_labels"), self._note)
        self._dims_event = viewer.dims.events.current_step
        self._timer = make_quiet_timer(owner, _QUIET_MS, on_change)
        self._dims_event.connect(self._note)
        owner.destroyed.connect(self._stop)

    def watch(self, image: Image | None) -> None:
        """Watch this image and no other.

        Parameters
        ----------
        image : napari.layers.Image, optional
            The image; ``None`` to watch none.
        """
        self._events.watch(image)

    def _note(self, *_: Any) -> None:
        self._timer.start()

    def _stop(self) -> None:
        self._events.watch(None)
        self._dims_event.disconnect(self._note)
