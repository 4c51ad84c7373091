from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.models.config import format_config, parse_config

if TYPE_CHECKING:
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"maps": ("distance",)}, "maps must be foreground, boundary, distance"),
        ({"stride": 0}, "stride must lie between 1 and 1024 px. Received: 0"),
        ({"margin": 70_000}, "margin must lie between 0 and 65536 px"),
        ({"diameter": -1.0}, "diameter must be a positive number of px"),
        ({"estimated_diameter": 0}, "estimated diameter must be a positive number"),
        ({"image_diameter": True}, "image diameter must be a positive number"),
        *(
            ({"n_symmetries": n}, rf"symmetries must be 1, 2 or 8\. Received: {n!r}")
            for n in (4, 8.0, True, "8", None)
        ),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_is_refused(
    change: dict[str, Any], sentence: str, bundle: ModelBundle
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        replace(bundle.config, **change)


def test_the_scale_is_that_of_the_images_it_was_tuned_on(bundle: ModelBundle) -> None:
    tuned = replace(bundle.config, diameter=18.0, image_diameter=36.0)
    assert (bundle.config.scale, tuned.scale) == (1, 0.5)
    assert parse_config(format_config(tuned)) == tuned


def test_earlier_versions_read_what_they_know(bundle: ModelBundle) -> None:
    assert "image_diameter" not in format_config(bundle.config)
