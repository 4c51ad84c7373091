"""Numbers that training uses where nobody chooses others."""

from __future__ import annotations

DEFAULT_MINUTES = 5
"""Length of a run of which nobody says how long it takes; see `choose_minutes`."""

PEAK_LEARNING_RATE = 2e-3
"""Peak of the schedule of a run from scratch."""

FINE_TUNING_LEARNING_RATE = 3e-4
"""Peak of the schedule of fine-tuning, which has less far to go."""

MIN_SAMPLES_TO_HOLD_OUT = 3
"""Annotated images of which some are held out whole; fewer are cut into quarters."""


def choose_minutes(minutes: float | None, epochs: int | None) -> float | None:
    """Return the minutes that limit a run: the default where nothing limits it."""
    if minutes is None and epochs is None:
        return DEFAULT_MINUTES
    return minutes
