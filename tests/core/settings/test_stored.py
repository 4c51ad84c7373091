from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from napari_unet_nuclei.core.settings.choices import Link, Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

CHOSEN = SegmentationSettings(
    threshold=0.4, stain=Stain.HE, link=Link.Z, min_planes=3, drop_border=True
)


def test_settings_come_back_from_plain_values() -> None:
    stored = json.loads(json.dumps(asdict(CHOSEN)))
    assert SegmentationSettings.from_stored(stored) == CHOSEN
    assert SegmentationSettings.from_stored({}) == SegmentationSettings()


def test_other_names_are_refused_or_passed_over() -> None:
    stored = {"threshold": 0.4, "of_a_later_version": 1}
    with pytest.raises(AttributeError, match="of_a_later_version"):
        SegmentationSettings.from_stored(stored)
    settings = SegmentationSettings.from_stored(stored, ignores_others=True)
    assert settings == SegmentationSettings(threshold=0.4)


@pytest.mark.parametrize("wrong", [{"stain": "ink"}, {"threshold": 2}, {"link": None}])
def test_what_cannot_be_set_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"ink|threshold|None"):
        SegmentationSettings.from_stored(wrong)
