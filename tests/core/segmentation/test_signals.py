"""Colour images end to end, with shipped models and with one made for the purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.evaluation.scores import evaluate_image
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.model import Model, load_model, segment
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation, iter_split
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.segmentation.seen_planes import Segmentation

NUCLEI, LABELS = draw_nuclei(0, (192, 256), 20)
EOSIN, DAB = (0.07, 0.99, 0.11), (0.27, 0.57, 0.78)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("classic")


def find(
    model: Model, image: NDArray[Any], axes: str | None = None, **settings: Any
) -> Segmentation:
    steps = iter_segmentation(
        model,
        PlaneStack(image, axes),
        SegmentationSettings(**settings),
        keeps_maps=True,
    )
    return exhaust(steps)


def ap50(labels: NDArray[np.int32]) -> float:
    return evaluate_image(LABELS, labels).ap[0.5]


@pytest.mark.parametrize(("tissue", "dye"), [(EOSIN, Stain.HE), (DAB, Stain.HDAB)])
def test_nuclei_in_strange_tissue_are_found_in_their_dye(
    model: Model, stain: Callable[..., Any], tissue: Any, dye: Stain
) -> None:
    image = stain(NUCLEI, tissue)
    found = find(model, image)
    assert found.signals == (dye,)
    assert found.signal is found.maps[0].signal is dye
    assert ap50(found.labels) > 0.9
    as_it_is = find(model, image, stain=Stain.NONE)
    assert as_it_is.signals == (Stain.NONE,)
    assert ap50(as_it_is.labels) < 0.3


@pytest.mark.parametrize("channel", range(3))
def test_nuclei_beside_other_fluorescences_are_found_in_their_channel(
    model: Model, cells_in_colours: Callable[..., Any], channel: int
) -> None:
    image = cells_in_colours(NUCLEI, LABELS, channel)
    found = find(model, image)
    assert found.signals == ((Stain.RED, Stain.GREEN, Stain.BLUE)[channel],)
    assert ap50(found.labels) > 0.9
    assert ap50(find(model, image, stain=Stain.NONE).labels) < 0.8


@pytest.mark.parametrize("settings", [{"diameter": 26.0}, {"tta": True}])
def test_a_known_scale_and_flips_go_with_a_signal(
    model: Model, stain: Callable[..., Any], settings: dict[str, Any]
) -> None:
    found = find(model, stain(NUCLEI, EOSIN), **settings)
    assert found.signals == (Stain.HE,)
    assert ap50(found.labels) > 0.9


def test_a_large_image_is_seen_as_its_window_was(
    model: Model, stain: Callable[..., Any]
) -> None:
    slide = np.full((800, 900, 3), (245, 240, 245), np.uint8)
    slide[500:692, 600:856] = stain(NUCLEI, EOSIN)
    found = find(model, slide)
    assert found.signals == (Stain.HE,)
    assert ap50(found.labels[500:692, 600:856]) > 0.7


def test_planes_of_a_stack_are_seen_in_one_signal(
    model: Model, stain: Callable[..., Any]
) -> None:
    stained = stain(NUCLEI, EOSIN)
    blank = np.full_like(stained, 245)
    stack = np.stack([blank, stained, stained, stained, blank])
    found = find(model, stack, "ZYXC")
    # Without colours there is no other signal.
    assert found.signals == (Stain.NONE, *[Stain.HE] * 3, Stain.NONE)
    assert all(ap50(found.labels[z]) > 0.9 for z in (1, 2, 3))
    # A known diameter asks for no probe of the scale, but for one of the signal.
    assert set(find(model, stack, "ZYXC", diameter=26.0).signals[1:4]) == {Stain.HE}


@pytest.fixture
def vacuole(squares: Callable[..., Any]) -> NDArray[np.uint8]:
    """Tissue with a white hole, which a network may take for a nucleus."""
    green = np.random.default_rng(0).integers(90, 200, (40, 50))
    image = np.stack([np.full_like(green, 100), green, np.full_like(green, 180)], -1)
    image[squares((20, 30)) > 0] = 255
    return image.astype(np.uint8)


def test_pale_spots_in_tissue_are_no_nuclei(
    make_model: Callable[..., Any], vacuole: NDArray[np.uint8]
) -> None:
    image = vacuole
    model = make_model(touching=False)
    with_polarity = find(model, image, stain=Stain.RED, diameter=10.0)
    assert with_polarity.maps[0].foreground.max() == 1
    assert with_polarity.labels.max() == 0
    assert "set the stain to none" in with_polarity.doubts[0].sentence
    # In grey, nuclei may be brighter than what surrounds them.
    assert find(model, image[..., 0], diameter=10.0).labels.max() == 1


def test_splitting_again_keeps_the_polarity(
    make_model: Callable[..., Any],
    vacuole: NDArray[np.uint8],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = np.stack([vacuole, vacuole, np.full_like(vacuole, 255)])
    model = make_model(touching=False)
    settings = {"stain": Stain.RED, "diameter": 10.0}
    found = find(model, image, "ZYXC", **settings)
    monkeypatch.setattr(hardware, "free_memory", lambda: 100_000)
    in_file = find(model, image, "ZYXC", **settings)
    for maps in (found.maps, in_file.maps):
        assert [plane.signal for plane in maps] == [Stain.RED] * 3
        assert [len(plane.darkness) for plane in maps] == [1, 1, 0]
        stack = PlaneStack(image, "ZYXC")
        low = SegmentationSettings(threshold=0.2)
        assert exhaust(iter_split(model, stack, maps, low)).max() == 0
    np.testing.assert_array_equal(
        in_file.maps[0].darkness[0], found.maps[0].darkness[0]
    )


def test_python_takes_the_name_of_a_stain(
    model: Model, stain: Callable[..., Any]
) -> None:
    image = stain(NUCLEI, EOSIN)
    assert ap50(segment(image, model, stain="he")) > 0.9
    assert ap50(segment(image, model, stain="none")) < 0.3
    with pytest.raises(SettingsError, match="must be one of auto, he, hdab, red"):
        segment(image, model, stain="giemsa")
