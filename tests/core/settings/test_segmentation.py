from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from typing import Any


def test_the_defaults_can_be_used() -> None:
    assert SegmentationSettings().threshold is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold": 0}, "threshold must lie between 0 and 1.*threshold=0"),
        ({"threshold": 1.0}, "threshold must lie between 0 and 1.*threshold=1.0"),
        ({"threshold": math.nan}, "threshold must lie between 0 and 1.*nan"),
        ({"min_area": -1}, "minimum area must be 0 px² or more.*min_area=-1"),
        ({"separation": 0}, "separation must lie between 0 and 1.*separation=0"),
        ({"separation": 1.0}, "separation must lie between 0 and 1.*separation=1.0"),
        ({"max_area": 0}, "maximum area must be 1 px² or more.*max_area=0"),
        (
            {"min_area": 9, "max_area": 8},
            "must not be below the minimum area.*max_area=8 and min_area=9",
        ),
        ({"diameter": 1.9}, "between 2 and 2000 px.*diameter=1.9"),
        ({"diameter": 2001}, "between 2 and 2000 px.*diameter=2001"),
        ({"diameter": math.nan}, "between 2 and 2000 px.*diameter=nan"),
    ],
)
def test_segmentation_settings_out_of_range_are_refused(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        SegmentationSettings(**values)


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = SegmentationSettings()
    with pytest.raises(FrozenInstanceError):
        settings.min_area = 3  # type: ignore[misc]
