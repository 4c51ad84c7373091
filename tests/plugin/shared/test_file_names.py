"""Layers have names of any kind, files do not."""

from __future__ import annotations

import pytest

from napari_unet_nuclei.plugin.shared.file_names import (
    file_stem,
    masks_name,
    plain_name,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cells nuclei", "cells"),
        ("cells_masks", "cells"),
        ("well A1: a/b\n nuclei", "well A1_ a_b_"),
        ("é" * 150, "é" * 100),
    ],
)
def test_every_system_accepts_the_name(name: str, expected: str) -> None:
    assert plain_name(name) == expected


def test_labels_are_called_masks_once() -> None:
    assert masks_name("cells nuclei") == masks_name("cells_masks") == "cells_masks"


def test_ome_is_part_of_the_suffix() -> None:
    assert file_stem("/data/a.b.OME.tif") == file_stem("a.b.png") == "a.b"
