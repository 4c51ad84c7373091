"""Losses and metrics of single steps, until they are reported as means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.training.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class StepTally:
    """What the steps since the last report, and those of this epoch, have come to."""

    def __init__(self) -> None:
        self._unreported: list[Mapping[str, float]] = []
        self._in_epoch: list[Mapping[str, float]] = []

    def add(self, values: Mapping[str, float]) -> None:
        """Take in the loss and the metrics of one step, by name."""
        self._unreported.append(values)
        self._in_epoch.append(values)

    def end_report(self) -> dict[str, float | None]:
        """Return means over the steps since the last report, ``None`` without any."""
        values, self._unreported = self._unreported, []
        return _mean_values(values)

    def end_epoch(self) -> dict[str, float | None]:
        """Return means over the steps of the epoch; the next report begins anew."""
        values, self._in_epoch, self._unreported = self._in_epoch, [], []
        return _mean_values(values)


def _mean_values(values: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    return {
        name: float(np.mean([each[name] for each in values])) if values else None
        for name in ("loss", *METRICS)
    }
