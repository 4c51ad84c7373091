from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import Schedule
from napari_unet_nuclei.core.settings.old_names import OLD_NAMES, with_current_names
from napari_unet_nuclei.core.settings.rules import (
    Range,
    check_fields,
    describe,
    help_of,
    range_of,
)
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.settings.training import TrainingSettings


@dataclass(frozen=True, kw_only=True)
class Some:
    n_steps: int = field(default=1, metadata=describe("Steps.", Range(at_least=1)))
    limit: float | None = field(
        default=None, metadata=describe("A limit.", Range(above=0))
    )
    schedule: Schedule = Schedule.COSINE


@pytest.mark.parametrize(
    ("allowed", "inside", "outside"),
    [
        (Range(), [-math.inf, 0, math.inf], []),
        (Range(at_least=1), [1, 2], [0, 0.9, math.nan]),
        (Range(at_most=1), [1, -2], [1.1, math.nan]),
        (Range(above=0, below=1), [0.5], [0, 1, math.nan]),
        (Range(at_least=32, multiple_of=32), [32, 64], [0, -32, 33]),
    ],
)
def test_a_range_knows_its_numbers(
    allowed: Range, inside: list[float], outside: list[float]
) -> None:
    assert [value in allowed for value in inside] == [True] * len(inside)
    assert [value in allowed for value in outside] == [False] * len(outside)


def test_a_range_says_what_it_is() -> None:
    assert Range(at_least=1).describe("n_steps") == "The n steps must be 1 or more."
    around = Range(above=0, below=1, sentence="The {name} is in ({above}, {below}).")
    assert around.describe("part") == "The part is in (0, 1)."


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_steps": 0}, "The n steps must be 1 or more. Received: n_steps=0"),
        ({"limit": 0.0}, "Received: limit=0.0"),
        ({"schedule": "cosine"}, "schedule must be of Schedule: cosine, plateau. Rec"),
        ({"schedule": "cosine"}, r"Received: 'cosine'; give Schedule\('cosine'\)$"),
        ({"schedule": "linear"}, "Received: 'linear'$"),
    ],
)
def test_each_field_is_checked(values: dict[str, object], message: str) -> None:
    check_fields(Some())
    with pytest.raises(SettingsError, match=message):
        check_fields(Some(**values))


def test_what_must_be_a_number_cannot_be_left_out() -> None:
    check_fields(Some(limit=None))
    with pytest.raises(TypeError):
        check_fields(Some(n_steps=None))


def test_help_and_range_come_from_the_field() -> None:
    assert help_of(Some, "limit") == "A limit."
    assert range_of(SegmentationSettings, "diameter").at_most == 2000
    with pytest.raises(LookupError, match=r"SegmentationSettings\.tta has no range"):
        range_of(SegmentationSettings, "tta")


@pytest.mark.parametrize("settings", [SegmentationSettings, TrainingSettings])
def test_every_setting_has_a_help_text(settings: type) -> None:
    texts = [help_of(settings, each.name) for each in fields(settings)]
    assert all(text.endswith(".") for text in texts)
    assert len({*texts}) == len(texts)


def test_old_names_lead_to_settings_there_are() -> None:
    names = {each.name for each in fields(TrainingSettings)}
    assert {*OLD_NAMES.values()} <= names
    assert not names & OLD_NAMES.keys()
    assert with_current_names({"seed": 1, "keep": 0.5}) == {
        "seed": 1,
        "start_weight": 0.5,
    }
