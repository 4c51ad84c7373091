"""What the lists of models say about how a model was made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt

from napari_unet_nuclei.core.models.bundle import read_bundle, write_bundle
from napari_unet_nuclei.plugin.shared.model_choice import ModelChoice, models_changed
from napari_unet_nuclei.plugin.shared.model_origin import (
    describe_origin,
    describe_score,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

MADE: dict[str, Any] = {
    "start": "resnet",
    "settings": {"monitor": "ap50"},
    "train": ["a", "b", "c"],
    "seconds": 290,
    "scores": {"dsb2018": 0.6, "ap50": 0.805},
    "start_scores": {"dsb2018": 0.5, "ap50": 0.79},
}
SAID = "From resnet, 5 min on 3 images: AP50 .79 → .81 on what was held out."


@pytest.mark.parametrize(
    ("provenance", "text"),
    [
        (MADE, SAID),
        (
            {**MADE, "start": None, "start_scores": None, "train": [1], "seconds": 3},
            "Trained, less than a minute on 1 image: AP50 .81 on what was held out.",
        ),
        ({}, ""),
        ({**MADE, "scores": "odd"}, ""),
    ],
)
def test_how_a_model_was_made(provenance: dict[str, Any], text: str) -> None:
    assert describe_origin(provenance) == text


def test_the_list_says_it_of_each_model_of_the_user(
    qtbot: QtBot, make_model: Callable[..., Path]
) -> None:
    make_model("a")
    choice = ModelChoice(tooltip="Models")
    qtbot.addWidget(choice.native)
    path = make_model("b")
    bundle = read_bundle(path)
    config = replace(bundle.config, provenance=MADE)
    write_bundle(path, replace(bundle, config=config))
    models_changed(better="b")
    assert choice.model == "b"
    role = Qt.ItemDataRole.ToolTipRole
    assert choice.native.itemData(0, role) in ("", None)
    assert choice.native.itemData(1, role) == SAID


def test_a_model_that_is_gone_is_not_chosen(
    qtbot: QtBot, make_model: Callable[..., Path]
) -> None:
    make_model("a")
    choice = ModelChoice()
    models_changed(better="never made")
    assert choice.model == "a"


def test_the_score_alone_is_that_before_and_after() -> None:
    provenance = {"scores": {"dsb2018": 0.7}, "start_scores": {"dsb2018": 0.61}}
    assert describe_score(provenance) == ".61 → .70"
    assert describe_score({"scores": {"dsb2018": 0.7}}) == ".70"
    for unknown in ({}, {"scores": 3}, {"settings": 1}):
        assert describe_score(unknown) == ""
