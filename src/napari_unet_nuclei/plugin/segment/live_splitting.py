"""Splitting again while a slider moves: the newest request only, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet_nuclei.plugin.segment.segmentation import iter_split
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
    from napari_unet_nuclei.plugin.segment.segmentation import (
        ImageMaps,
        Nuclei,
        SplittingStep,
    )

_QUIET_MS = 50
"""Time without a further request after which splitting begins."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Request:
    image: Image
    image_maps: ImageMaps
    settings: SegmentationSettings


class LiveSplitting:
    """Splits the maps of an image in a worker, as soon as requests pause.

    A newer request ends the one that is worked on.

    Parameters
    ----------
    owner : QWidget
        Nothing is done once this widget is gone.
    on_step : callable
        Gets the progress.
    on_split : callable
        Gets the image, its maps and the nuclei found in them.
    on_error : callable
        Gets the error that ended the work, after the user has been notified.
    """

    def __init__(
        self,
        owner: QWidget,
        on_step: Callable[[SplittingStep], object],
        on_split: Callable[[Image, ImageMaps, Nuclei], object],
        on_error: Callable[[Exception], object],
    ) -> None:
        self._owner = owner
        self._on_step = on_step
        self._on_split = on_split
        self._on_error = on_error
        self._wanted: _Request | None = None
        self._task: BackgroundTask[SplittingStep, Nuclei] | None = None
        self._timer = make_quiet_timer(owner, _QUIET_MS, self._start)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is waiting and nothing running."""
        return self._wanted is None and self._task is None

    def request(
        self, image: Image, image_maps: ImageMaps, settings: SegmentationSettings
    ) -> None:
        """Ask for other settings; replaces what was asked for before.

        Parameters
        ----------
        image : napari.layers.Image
            Handed on to ``on_split``.
        image_maps : ImageMaps
            What to split.
        settings : SegmentationSettings
            Threshold and smallest area.
        """
        self._wanted = _Request(image=image, image_maps=image_maps, settings=settings)
        self._timer.start()

    def discard(self) -> None:
        """Drop what is waiting and what is running."""
        self._timer.stop()
        self._wanted = None
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        if self._wanted is None:
            return
        if self._task is not None:
            self._task.cancel()  # its end starts the next one
            return
        request, self._wanted = self._wanted, None
        self._task = BackgroundTask(
            iter_split(request.image_maps, request.settings),
            f"Splitting the nuclei of {request.image.name}",
            self._owner,
            TaskCallbacks(
                on_step=self._on_step,
                on_result=lambda nuclei: self._show(request, nuclei),
                on_error=self._on_error,
                on_end=self._end,
            ),
            is_listed=False,
        )

    def _show(self, request: _Request, nuclei: Nuclei) -> None:
        if self._wanted is None:
            self._on_split(request.image, request.image_maps, nuclei)

    def _end(self) -> None:
        self._task = None
        if not self._timer.isActive():
            self._start()
