from __future__ import annotations

import numpy as np
from napari.components import ViewerModel

from napari_unet_nuclei.plugin.shared.layer_events import LayerEvents

BLANK = np.zeros((4, 4), np.uint8)


def test_only_the_layers_that_are_watched_now_are_heard() -> None:
    viewer = ViewerModel()
    first, second = viewer.add_image(BLANK), viewer.add_image(BLANK)
    heard: list[str] = []
    events = LayerEvents(("scale", "data"), lambda event: heard.append(event.type))
    events.watch(first, None)
    first.scale = (2, 2)
    second.scale = (2, 2)
    first.name = "renamed"
    assert heard == ["scale"]
    events.watch(second)
    first.scale = (3, 3)
    second.data = BLANK + 1
    assert heard == ["scale", "data"]
    events.watch(None)
    second.scale = (3, 3)
    assert heard == ["scale", "data"]


def test_a_layer_that_is_watched_twice_is_heard_once() -> None:
    viewer = ViewerModel()
    viewer.add_image(BLANK, name="cells")
    heard: list[object] = []
    events = LayerEvents(("scale",), heard.append)
    for _ in range(2):
        events.watch(viewer.layers["cells"])
    viewer.layers["cells"].scale = (2, 2)
    assert len(heard) == 1
