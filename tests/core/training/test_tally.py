from __future__ import annotations

from napari_unet_nuclei.core.training.metrics import METRICS
from napari_unet_nuclei.core.training.tally import StepTally


def values(loss: float) -> dict[str, float]:
    return dict.fromkeys(("loss", *METRICS), loss)


def test_reports_are_means_over_their_own_steps() -> None:
    tally = StepTally()
    for loss in 1, 2:
        tally.add(values(loss))
    assert tally.end_report() == values(1.5)
    tally.add(values(6))
    assert tally.end_report() == values(6)
    assert tally.end_epoch() == values(3)


def test_an_epoch_begins_anew() -> None:
    tally = StepTally()
    tally.add(values(1))
    assert tally.end_epoch() == values(1)
    nothing = dict.fromkeys(("loss", *METRICS))
    assert tally.end_report() == nothing
    assert tally.end_epoch() == nothing
