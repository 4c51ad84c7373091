"""Runs that another widget asks for, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.plugin.segment.result_layers import is_same_layer
from napari_unet_nuclei.plugin.shared.wanted_runs import run_wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from qtpy.QtCore import QObject

    from napari_unet_nuclei.plugin.shared.layer_choice import LayerChoice
    from napari_unet_nuclei.plugin.shared.run_panel import RunPanel


class WantedRuns:
    """Starts the run that is wanted, in the place of one that is under way.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose images are segmented.
    owner : QObject
        Nothing is heard once this is gone.
    panel : RunPanel
        Where runs are shown.
    choice : LayerChoice
        The chosen image.
    run : callable
        Segments it.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QObject,
        panel: RunPanel,
        choice: LayerChoice,
        run: Callable[[], object],
    ) -> None:
        self._viewer, self._panel, self._choice = viewer, panel, choice
        self._run = run
        self._wanted: Any = None
        run_wanted.connect(self._hear)
        owner.destroyed.connect(self._stop)

    def start(self) -> None:
        """Start what is wanted, if that is the chosen image and nothing runs."""
        if self._wanted is None or self._panel.is_running:
            return
        wanted, self._wanted = self._wanted, None
        if is_same_layer(wanted, self._choice.layer):
            self._run()

    def _hear(self, event: Any) -> None:
        if event.value not in self._viewer.layers:
            return  # of another window
        event.handled = True
        self._wanted = event.value
        self._panel.cancel()
        self.start()

    def _stop(self) -> None:
        run_wanted.disconnect(self._hear)
