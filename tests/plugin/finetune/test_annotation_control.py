"""What the fine-tune widget takes for annotated, as its user says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Shapes

from napari_unet_nuclei.core.errors import LabelsError, TrainingError
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.finetune.training_samples import make_samples
from napari_unet_nuclei.plugin.finetune.widget import FineTuneWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


@pytest.fixture
def widget(
    qtbot: QtBot, image: NDArray[np.uint8], make_model: Callable[..., Path]
) -> FineTuneWidget:
    make_model("start")
    viewer = ViewerModel()
    viewer.add_image(image, name="cells", scale=(0.5, 0.5))
    viewer.add_labels((image > 80).astype(np.uint8), name="truth", scale=(0.5, 0.5))
    widget = FineTuneWidget(viewer)
    qtbot.addWidget(widget.native)
    widget.native.show()
    return widget


def labels_of(widget: FineTuneWidget) -> NDArray[np.int32]:
    request = widget._form.make_request(widget.make_command)
    (sample,) = make_samples(request.pairs)
    return sample.labels


def test_at_first_the_whole_image_is_annotated(widget: FineTuneWidget) -> None:
    assert widget.annotation.annotated is Annotated.WHOLE_IMAGE
    assert not widget.annotation.area.visible
    assert labels_of(widget).min() == 0


def test_around_what_was_painted(widget: FineTuneWidget) -> None:
    widget.annotation.how.value = Annotated.PAINTED
    assert labels_of(widget)[0, 64] == -1


def test_an_area_is_drawn_and_followed(widget: FineTuneWidget) -> None:
    annotation = widget.annotation
    annotation.how.value = Annotated.AREA
    assert annotation.area.visible
    annotation.draw_button.native.click()
    shapes = annotation.area.layer
    assert isinstance(shapes, Shapes)
    assert shapes.name == "annotated area"
    assert str(shapes.mode) == "add_rectangle"
    with pytest.raises(LabelsError, match="holds no pixel"):
        labels_of(widget)
    # In the pixels of the image, whose placement the layer has.
    shapes.add_rectangles([[[0, 0], [0, 63], [63, 63], [63, 0]]])
    labels = labels_of(widget)
    assert (labels[:, 64:] == -1).all()
    assert (labels[:, :64] >= 0).all()
    # The lists of image and labels stay where they were.
    assert widget.image.layer.name == "cells"
    assert widget.annotations.layer.name == "truth"
    annotation.how.value = Annotated.WHOLE_IMAGE
    assert not annotation.draw_button.visible
    assert labels_of(widget).min() == 0


def test_labels_are_no_area_of_their_own(widget: FineTuneWidget) -> None:
    widget.annotation.how.value = Annotated.AREA
    with pytest.raises(TrainingError, match="Received: the labels; press 'Draw an"):
        widget._form.make_request(widget.make_command)
