from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_unet_nuclei.plugin.shared.layer_axes import remember_axes
from napari_unet_nuclei.plugin.shared.layers import labels_layer_metadata
from napari_unet_nuclei.plugin.shared.pairing import (
    Confidence,
    image_of,
    labels_of,
    pair,
)
from napari_unet_nuclei.plugin.shared.placement import place_labels

if TYPE_CHECKING:
    from pathlib import Path

GREY = np.zeros((40, 50), np.uint8)


def grey(name: str = "cells", **kwargs: Any) -> Image:
    return Image(GREY, name=name, **kwargs)


def drawn(
    name: str = "Labels", shape: tuple[int, ...] = (40, 50), **kwargs: Any
) -> Labels:
    return Labels(np.zeros(shape, np.uint8), name=name, **kwargs)


def test_labels_made_from_an_image_belong_to_it() -> None:
    first, second = grey("first"), grey("second")
    labels = drawn(metadata=labels_layer_metadata(first))
    assert pair(first, labels, [first, second]).confidence is Confidence.CERTAIN
    pairing = pair(second, labels, [first, second])
    assert pairing.confidence is Confidence.DOUBTFUL
    assert pairing.reason == "These labels come from 'first', not from 'second'."
    assert image_of(labels, [second, first]) is first


def test_stale_names_do_not_mislead() -> None:
    first, second = grey("first"), grey("second")
    labels = drawn("first nuclei", metadata=labels_layer_metadata(first))
    first.name, second.name = "second", "first"
    assert image_of(labels, [first, second]) is first


def test_labels_of_an_image_that_is_gone_fit_one_of_its_name() -> None:
    labels = drawn(metadata=labels_layer_metadata(grey("gone")))
    assert pair(grey("gone"), labels).confidence is Confidence.PLAUSIBLE
    pairing = pair(grey("another"), labels)
    assert pairing.confidence is Confidence.DOUBTFUL
    assert pairing.reason == "These labels come from 'gone', not from 'another'."
    assert image_of(labels, [grey("another")]) is None


def test_the_truth_of_a_sample_that_is_gone_is_doubted_on_another_image() -> None:
    truth = drawn("truth", metadata={"sample_id": "synthetic"})
    assert pair(grey("mine"), truth).confidence is Confidence.DOUBTFUL


@pytest.mark.parametrize(
    ("of_labels", "confidence"),
    [
        ({"sample_id": "a", "data_set": "/d"}, Confidence.CERTAIN),
        ({"sample_id": "a"}, Confidence.CERTAIN),  # saved and opened again
        ({"sample_id": "b", "data_set": "/d"}, Confidence.DOUBTFUL),
        ({"sample_id": "a", "data_set": "/other"}, Confidence.DOUBTFUL),
        ({"sample_id": "b"}, Confidence.DOUBTFUL),
        ({}, Confidence.PLAUSIBLE),
    ],
)
def test_samples_are_known_by_id_and_data_set(
    of_labels: dict[Any, Any], confidence: Confidence
) -> None:
    image = grey(metadata={"sample_id": "a", "data_set": "/d"})
    assert pair(image, drawn(metadata=of_labels)).confidence is confidence


def test_a_doubt_names_the_image_that_is_open() -> None:
    tissue = grey("tissue", metadata={"sample_id": "ihc"})
    cells = grey("cells", metadata={"sample_id": "synthetic"})
    truth = drawn("truth", metadata={"sample_id": "synthetic"})
    pairing = pair(tissue, truth, [tissue, cells])
    assert pairing.reason == "These labels come from 'cells', not from 'tissue'."


def opened(folder: Any, name: str) -> Image:
    """Return an image from a file, the way napari opens it."""
    path = folder / f"{name}.npy"
    np.save(path, GREY)
    (layer,) = ViewerModel().open(str(path), plugin="napari")
    return layer


@pytest.fixture
def _readers(npe2pm: Any) -> None:
    from npe2 import PluginManifest

    npe2pm.register(PluginManifest.from_distribution("napari"))


@pytest.mark.usefixtures("_readers")
def test_files_are_known_by_their_paths(tmp_path: Path) -> None:
    first, second = opened(tmp_path, "first"), opened(tmp_path, "second")
    labels = drawn(metadata={"image_path": first.source.path})
    assert pair(first, labels).confidence is Confidence.CERTAIN
    assert pair(second, labels).confidence is Confidence.DOUBTFUL
    assert pair(grey("drawn"), labels, [first]).reason == (
        "These labels come from 'first', not from 'drawn'."
    )


@pytest.mark.usefixtures("_readers")
def test_a_file_that_was_opened_is_known_by_its_name(tmp_path: Path) -> None:
    first, second = opened(tmp_path, "first"), opened(tmp_path, "second")
    second.name = "renamed"
    labels = drawn("second_corrected")
    assert image_of(labels, [second, first]) is second


@pytest.mark.parametrize(
    "kwargs",
    [
        {"scale": (2, 2)},
        {"translate": (0, 5)},
        {"rotate": 90},
        {"units": ("um", "um")},
        {"affine": [[1, 0, 0], [0, -1, 0], [0, 0, 1]]},
    ],
)
def test_labels_in_another_place_are_doubted(kwargs: dict[str, Any]) -> None:
    pairing = pair(grey(**kwargs), drawn())
    assert pairing.confidence is Confidence.DOUBTFUL
    assert "not its position" in pairing.reason
    assert pair(grey(**kwargs), drawn(**kwargs)).confidence is Confidence.PLAUSIBLE


def test_a_scale_that_a_file_has_rounded_is_the_same() -> None:
    assert pair(grey(scale=(0.1, 0.1)), drawn(scale=(0.1001, 0.1))).confidence is (
        Confidence.PLAUSIBLE
    )


def test_two_images_that_fit_alike_are_doubted_unless_the_name_says_which() -> None:
    first, second = grey("cells"), grey("cells [1]")
    images = [first, second]
    assert pair(first, drawn(), images).confidence is Confidence.DOUBTFUL
    assert image_of(drawn(), images) is None
    assert image_of(drawn("cells [1] - Labels"), images) is second
    assert image_of(drawn("cells - Labels"), images) is first


@pytest.mark.parametrize(
    ("image", "shape", "is_possible"),
    [
        (Image(np.zeros((40, 50, 3), np.uint8), rgb=True), (40, 50), True),
        (Image(np.zeros((40, 50, 3)), rgb=False), (40, 50, 1), True),
        (Image(np.zeros((40, 50, 3)), rgb=False), (40, 50, 3), True),
        (Image(np.zeros((40, 50, 3)), rgb=False), (40, 50), True),
        (Image(np.zeros((9, 40, 50))), (9, 40, 50), True),
        (Image(np.zeros((9, 40, 50))), (1, 40, 50), True),
        (Image(np.zeros((9, 40, 50))), (8, 40, 50), False),
        (Image(np.zeros((9, 40, 50))), (40, 50), False),
        (Image(np.zeros((3, 40, 50)), axis_labels=tuple("cyx")), (40, 50), True),
        (Image(np.zeros((3, 40, 50)), axis_labels=tuple("cyx")), (2, 40, 50), False),
        (Image([GREY, GREY[::2, ::2]], multiscale=True), (40, 50), True),
        (Image([GREY, GREY[::2, ::2]], multiscale=True), (20, 25), False),
        (Image(GREY), (50, 40), False),
        (Image(GREY), (1, 1), False),
        (Image(np.zeros((2, 2, 2, 8, 8))), (8, 8), False),  # axes nobody knows
    ],
)
def test_labels_need_the_size_of_the_image(
    image: Image, shape: tuple[int, ...], is_possible: bool
) -> None:
    confidence = pair(image, drawn(shape=shape)).confidence
    assert (confidence is Confidence.PLAUSIBLE) == is_possible
    assert (confidence is Confidence.IMPOSSIBLE) != is_possible


def test_what_cannot_be_is_said_with_both_sizes() -> None:
    labels = drawn(shape=(8, 9), metadata=labels_layer_metadata(image := grey()))
    pairing = pair(image, labels)  # cropped since
    assert pairing.confidence is Confidence.IMPOSSIBLE
    assert "These labels (8 × 9) do not fit 'cells' (40 × 50)" in pairing.reason


def test_new_labels_over_two_images_of_different_size_fit_neither() -> None:
    viewer = ViewerModel()
    first = viewer.add_image(GREY, name="first")
    second = viewer.add_image(GREY[:30, :60], name="second", translate=(20, 20))
    viewer.layers.selection = {first, second}
    viewer._new_labels()
    labels = viewer.layers[-1]
    for image in (first, second):
        pairing = pair(image, labels, [first, second])
        assert pairing.confidence is Confidence.IMPOSSIBLE
        assert "press New labels" in pairing.reason
    viewer.layers.selection.active = second
    viewer._new_labels()
    assert image_of(viewer.layers[-1], [first, second]) is second


@pytest.mark.parametrize("axis_labels", ["zyx", "zcyx", "czyx", "yxc", "xyz"])
@pytest.mark.parametrize("is_plane", [False, True])
def test_results_lie_where_their_image_does(axis_labels: str, is_plane: bool) -> None:
    sizes = {"z": 4, "c": 3, "y": 16, "x": 20}
    image = Image(
        np.zeros([sizes[axis] for axis in axis_labels]),
        axis_labels=tuple(axis_labels),
        scale=[2, 3, 4, 5][: len(axis_labels)],
        translate=[7, 8, 9, 10][: len(axis_labels)],
        rgb=False,
    )
    has_z = "z" in axis_labels
    n_planes = (1 if is_plane else 4,) * has_z
    labels, kwargs = place_labels(
        image,
        np.zeros((*n_planes, 16, 20), int),
        axis_labels.upper(),
        1 if "c" in axis_labels[:-1] else None,
        (2,) * has_z if is_plane and has_z else None,
    )
    assert pair(image, Labels(labels, **kwargs)).confidence is Confidence.PLAUSIBLE


def test_a_plane_beside_the_stack_is_doubted() -> None:
    image = Image(np.zeros((9, 40, 50)))
    labels = drawn(shape=(1, 40, 50), translate=(9, 0, 0))
    assert pair(image, labels).confidence is Confidence.DOUBTFUL


def test_the_axes_the_user_has_chosen_count() -> None:
    image = Image(np.zeros((3, 40, 50)))
    assert pair(image, drawn()).confidence is Confidence.IMPOSSIBLE
    remember_axes(image, "CYX")
    assert pair(image, drawn()).confidence is Confidence.PLAUSIBLE


def test_the_labels_of_an_image_are_the_surest_then_the_topmost() -> None:
    first, second = grey("first"), grey("second", scale=(2, 2))
    images = [first, second]
    made = drawn("made", metadata=labels_layer_metadata(first))
    layers = [made, drawn("lower"), drawn("upper"), drawn(shape=(2, 2))]
    assert labels_of(first, layers, images) is made
    assert labels_of(first, layers[1:], images).name == "upper"
    assert labels_of(second, layers, images) is None


def test_a_very_long_name_is_cut_in_a_sentence() -> None:
    image = grey("a" * 150 + "b" * 150)
    reason = pair(image, drawn()).reason
    assert len(reason) < 100
    assert f"{'a' * 20}…{'b' * 15}" in reason
