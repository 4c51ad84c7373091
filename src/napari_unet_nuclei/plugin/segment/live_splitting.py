"""Splitting again while a slider moves: the newest request only, one at a time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.plugin.segment.segmentation import iter_split
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.timers import PostedCall, make_quiet_timer
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
    from napari_unet_nuclei.plugin.segment.settings_controls import SettingsControls

_PATIENCE_SECONDS = 0.15
"""How long splitting may take and still be shown, though newer requests wait."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Request:
    image: Image
    image_maps: ImageMaps
    settings: SegmentationSettings


class LiveSplitting:
    """Splits the maps of an image in a worker while a slider moves.

    Of the requests that come while it works, only the newest is followed.  It ends work
    that takes long; otherwise the labels would not change until the slider rests.

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
        self._started = 0.0
        self._soon = PostedCall(owner, self._start)  # after all moves of this turn
        self._patience = make_quiet_timer(owner, 0, self._start)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is waiting and nothing running."""
        return self._wanted is None and self._task is None

    def follow(
        self,
        controls: SettingsControls,
        image: Image,
        image_maps: ImageMaps,
        *,
        unless: SegmentationSettings | None = None,
    ) -> None:
        """Split maps as the controls say now, or say why that cannot be done.

        Parameters
        ----------
        controls : SettingsControls
            What the maps are split with.
        image, image_maps
            As for `request`.
        unless : SegmentationSettings, optional
            What has been done already.
        """
        made, own = image_maps.request.settings, image_maps.model.config.splitting
        try:
            settings = controls.split_settings(made, own.threshold)
        except SettingsError as error:
            self.discard()
            self._on_error(error)
            return
        if settings != unless:
            self.request(image, image_maps, settings)

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
        self._soon.post()

    def discard(self) -> None:
        """Drop what is waiting and what is running."""
        self._patience.stop()
        self._wanted = None
        if self._task is not None:
            self._task.cancel()

    def _start(self) -> None:
        if self._wanted is None:
            return
        if self._task is not None:  # whose end starts the next one
            patience = self._started + _PATIENCE_SECONDS - time.perf_counter()
            if patience > 0:
                self._patience.start(math.ceil(1000 * patience))
            else:
                self._task.cancel()
            return
        self._started = time.perf_counter()
        request, self._wanted = self._wanted, None
        self._task = BackgroundTask(
            iter_split(request.image_maps, request.settings),
            f"Splitting the nuclei of {request.image.name}",
            self._owner,
            TaskCallbacks(
                on_step=self._on_step,
                on_result=lambda nuclei: self._on_split(
                    request.image, request.image_maps, nuclei
                ),
                on_error=self._on_error,
                on_end=self._end,
            ),
            is_listed=False,
        )

    def _end(self) -> None:
        self._task = None
        self._patience.stop()
        self._start()
