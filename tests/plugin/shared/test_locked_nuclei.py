"""Locked nuclei are named by the metadata of their layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet_nuclei.plugin.shared import locked_nuclei
from napari_unet_nuclei.plugin.shared.locked_nuclei import (
    LOCKED,
    locked_ids,
    locking_metadata,
    unlock,
)


def test_metadata_name_locked_nuclei_beside_what_they_say() -> None:
    metadata = locking_metadata({"model": "a"}, {9, np.int64(3)})
    assert metadata == {"model": "a", LOCKED: [3, 9]}
    assert locked_ids(metadata) == {3, 9}
    assert locking_metadata(metadata, ()) == {"model": "a"}


@pytest.mark.parametrize("known", [None, "12", {"a": 1}, 7, [-1, 0, "x", None, 1.5]])
def test_what_is_no_list_of_numbers_locks_nothing(known: object) -> None:
    assert locked_ids({LOCKED: known}) == set()


def test_unlocking_tells_who_follows_the_layer() -> None:
    layer = Labels(np.zeros((2, 2), int), metadata={LOCKED: [2], "model": "a"})
    heard: list[Any] = []

    def hear(event: Any) -> None:
        heard.append(event.value)

    locked_nuclei.unlocked.connect(hear)
    unlock(layer)
    locked_nuclei.unlocked.disconnect(hear)
    assert heard == [layer]
    assert layer.metadata == {"model": "a"}
