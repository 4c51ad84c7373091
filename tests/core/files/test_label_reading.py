from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.files.label_reading import (
    leading_shape,
    read_label_stack,
    read_labels,
    read_mask,
    read_nuclei,
    read_nuclei_stack,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

LABELS = np.zeros((20, 20), np.uint8)
LABELS[2:8, 2:8] = 1
LABELS[2:8, 8:14] = 2
LABELS[12:18, 2:8] = 3


def discs(n: int = 6, radius: int = 9, side: int = 128) -> NDArray[Any]:
    """Discs in rows, numbered from 1."""
    labels = np.zeros((side, side), np.int32)
    y, x = np.mgrid[:side, :side]
    per_row = side // (2 * radius + 6)
    for number in range(n):
        row, column = divmod(number, per_row)
        cy, cx = ((2 * radius + 6) * index + radius + 3 for index in (row, column))
        labels[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = number + 1
    return labels


def blur(mask: NDArray[Any], sigma: Any = 1.0) -> NDArray[Any]:
    return ndimage.gaussian_filter(np.where(mask, 255.0, 0), sigma).astype(np.uint8)


def test_black_and_white_masks_are_read_as_stored(tmp_path: Path) -> None:
    Image.fromarray(LABELS > 0).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", LABELS > 0)
    tifffile.imwrite(
        tmp_path / "b.tif", np.asarray(LABELS > 0) * np.uint8(255), photometric=0
    )
    for name in ("a.png", "a.tif", "b.tif"):
        np.testing.assert_array_equal(read_labels(tmp_path / name) > 0, LABELS > 0)
        np.testing.assert_array_equal(read_mask(tmp_path / name), LABELS > 0)


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_numbers_in_one_channel_are_read(
    tmp_path: Path, channel: int, has_alpha: bool
) -> None:
    pixels = np.zeros((20, 20, 3 + has_alpha), np.uint8)
    pixels[..., channel] = LABELS
    pixels[..., 3:] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), LABELS)


@pytest.mark.parametrize("channels", [(0, 1, 2), (0, 2)])
def test_equal_channels_are_one(tmp_path: Path, channels: tuple[int, ...]) -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[..., channels] = LABELS[..., np.newaxis]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), LABELS)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_numbers_coded_in_three_channels_are_read(tmp_path: Path, order: Any) -> None:
    numbers = LABELS.astype(int) * 200
    pixels = np.stack([numbers % 256, numbers // 256, 0 * numbers], -1)[..., order]
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), numbers)


def test_a_mask_in_a_colour_is_a_mask(tmp_path: Path) -> None:
    pixels = (LABELS > 0)[..., np.newaxis] * np.array([255, 0, 120], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    expected, _ = ndimage.label(LABELS)
    np.testing.assert_array_equal(read_nuclei(tmp_path / "a.png"), expected)


def test_colours_that_may_be_anything_are_refused(tmp_path: Path) -> None:
    colours = np.array([[0] * 3, [255, 0, 0], [0, 255, 0], [200, 9, 90]], np.uint8)
    Image.fromarray(colours[LABELS]).save(tmp_path / "a.png")
    with pytest.raises(LabelsError, match=r"several colours, .* not as colours"):
        read_labels(tmp_path / "a.png")


def test_numbers_in_the_transparency_are_refused(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[..., 3] = LABELS
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(LabelsError, match=r"transparency that differs\. Save"):
        read_labels(tmp_path / "a.png")


@pytest.mark.parametrize(
    "shape", [(1, 20, 20), (20, 20, 1), (1, 1, 20, 20), (1, 1, 1, 20, 20, 1)]
)
def test_axes_of_length_one_are_no_question(
    tmp_path: Path, shape: tuple[Any, ...]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", LABELS.reshape(shape), metadata=None)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), LABELS)


def test_a_stack_keeps_its_planes(tmp_path: Path) -> None:
    stack = np.stack([LABELS, LABELS * 0, LABELS.T])[:, np.newaxis]
    tifffile.imwrite(tmp_path / "a.tif", stack)
    assert leading_shape(tmp_path / "a.tif") == (3,)
    np.testing.assert_array_equal(read_label_stack(tmp_path / "a.tif"), stack[:, 0])
    with pytest.raises(LabelsError, match=r"of shape \(Y, X\).* shape \(3, 20, 20\)"):
        read_labels(tmp_path / "a.tif")


def test_whether_a_stack_is_a_mask_is_decided_for_all_planes(tmp_path: Path) -> None:
    planes = np.zeros((2, 20, 20), np.uint8)
    planes[0] = LABELS
    planes[1, ::6, ::6] = 3  # one number in many parts, in one plane
    tifffile.imwrite(tmp_path / "a.tif", planes)
    np.testing.assert_array_equal(read_nuclei_stack(tmp_path / "a.tif"), planes)


@pytest.mark.parametrize("name", ["no.tif", "bad.tif", "a.png"])
def test_what_is_no_stack_has_no_leading_axes(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.tif").write_bytes(b"II*\0\xff\xff")
    Image.fromarray(LABELS).save(tmp_path / "a.png")
    assert leading_shape(tmp_path / name) == ()


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [
        ("u4", [2_000_000_000, 4_000_000_000, 4_000_000_001]),
        ("i8", [5, 2**40, 2**60]),
        ("f4", [5, 2**30, 2**40]),
        ("f4", [5, 2**30, 2**31]),
    ],
)
def test_large_numbers_are_those_of_nuclei(
    tmp_path: Path, dtype: str, numbers: list[int]
) -> None:
    labels = np.array([0, *numbers], dtype)[LABELS]
    tifffile.imwrite(tmp_path / "a.tif", labels)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), LABELS)


def test_numbers_that_fit_are_kept(tmp_path: Path) -> None:
    labels = LABELS.astype(np.int32) * 700_000_000
    tifffile.imwrite(tmp_path / "a.tif", labels)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), labels)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_labels_may_be_floats(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", LABELS.astype(dtype))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), LABELS)
    np.testing.assert_array_equal(read_nuclei(tmp_path / "a.tif"), LABELS)


@pytest.mark.parametrize("value", [-1, np.inf])
def test_what_is_no_number_of_a_nucleus_stays_refused(
    tmp_path: Path, value: float
) -> None:
    labels = LABELS.astype(np.float64) * 2**40
    labels[0, 0] = value
    tifffile.imwrite(tmp_path / "a.tif", labels)
    with pytest.raises(LabelsError, match=r"a\.tif must lie between 0"):
        read_labels(tmp_path / "a.tif")


def as_jpeg(mask: Any) -> Any:
    file = io.BytesIO()
    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(file, "JPEG")
    return np.array(Image.open(file))


def enlarge(pixels: NDArray[Any]) -> Any:
    image = Image.fromarray(pixels.astype(np.uint8))
    return np.array(image.resize((180, 180), Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    "grey",
    [
        blur(discs() > 0),
        blur(discs() > 0, 0.5),
        blur(discs() > 0, 3),
        blur(discs(1, 9, 32) > 0),
        blur(discs(30, 4) > 0),
        blur(np.kron(np.eye(4), np.ones((20, 20))) > 0),  # straight edges
        blur(discs() > 0).astype(np.uint16) * 257,
        as_jpeg(discs() > 0),
        enlarge((discs() > 0) * 255),
        enlarge(discs() * 20),  # labels, resized smoothly
        np.random.default_rng(0).normal(900, 90, (64, 64)).astype(np.uint16),
    ],
)
def test_grey_levels_are_refused(tmp_path: Path, grey: NDArray[Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", grey)
    with pytest.raises(LabelsError, match=r"a\.tif must .* grey levels .* Threshold"):
        read_labels(tmp_path / "a.tif")


def test_soft_masks_between_zero_and_one_are_told_to_be_thresholded(
    tmp_path: Path,
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", blur(discs() > 0) / np.float32(255))
    with pytest.raises(LabelsError, match=r"whole numbers.*soft mask at half"):
        read_labels(tmp_path / "a.tif")


@st.composite
def real_labels(draw: Any) -> Any:
    """Nuclei of any size, touching or not, numbered in any order."""
    side = draw(st.integers(4, 96))
    n = draw(st.integers(1, max(1, side * side // 6)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    seeds = np.zeros((side, side), np.int64)
    seeds.flat[rng.choice(side * side, n, replace=False)] = np.arange(1, n + 1)
    distance, nearest = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    reach = draw(st.floats(0, side))  # 0: each nucleus is one pixel
    labels = np.where(distance <= reach, seeds[tuple(nearest)], 0)
    if draw(st.booleans()):
        labels = rng.permutation(np.arange(1, n + 1))[labels - 1] * (labels > 0)
    return labels * draw(st.sampled_from([1, 1, 7]))


@settings(deadline=None, max_examples=60)
@given(real_labels())
def test_real_labels_are_never_refused_nor_changed(
    tmp_path_factory: pytest.TempPathFactory, labels: Any
) -> None:
    path = tmp_path_factory.mktemp("labels") / "a.tif"
    tifffile.imwrite(path, labels.astype(np.int32))
    np.testing.assert_array_equal(read_labels(path), labels)
    if np.unique(labels[labels > 0]).size > 1:
        np.testing.assert_array_equal(read_nuclei(path), labels)


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(1, 10_001).reshape(100, 100),  # all nuclei of one pixel
        np.add.outer(np.arange(100), np.arange(100)) // 2 + 1,  # thin, slanting
        np.repeat(np.arange(1, 101), 100).reshape(100, 100),  # lines of one pixel
        np.arange(1, 257).reshape(16, 16),
    ],
)
def test_thin_and_tiny_nuclei_side_by_side_are_nuclei(
    tmp_path: Path, labels: NDArray[Any]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", labels.astype(np.uint16))
    np.testing.assert_array_equal(read_nuclei(tmp_path / "a.tif"), labels)


def test_numbers_that_are_used_again_make_a_nucleus_of_each_part(
    tmp_path: Path,
) -> None:
    labels = discs(12)
    labels[labels == 2] = 0
    labels[np.roll(labels == 1, 18, axis=1)] = 2  # touches the first
    again = (labels % 3 + 1) * (labels > 0)
    tifffile.imwrite(tmp_path / "a.tif", again.astype(np.uint8))
    nuclei = read_nuclei(tmp_path / "a.tif")
    pairs = np.unique(np.stack([labels.ravel(), nuclei.ravel()]), axis=1)
    assert pairs.shape[1] == nuclei.max() + 1 == np.unique(labels).size


def test_a_nucleus_in_several_parts_stays_one(tmp_path: Path) -> None:
    labels = discs(12)
    labels[labels == 12] = 11
    tifffile.imwrite(tmp_path / "a.tif", labels.astype(np.uint8))
    np.testing.assert_array_equal(read_nuclei(tmp_path / "a.tif"), labels)


def test_slips_of_the_pen_do_not_make_numbers_used_again(tmp_path: Path) -> None:
    labels = discs(2)
    labels[100, 100:120:4] = 1
    labels[110, 100:120:4] = 2
    tifffile.imwrite(tmp_path / "a.tif", labels.astype(np.uint8))
    np.testing.assert_array_equal(read_nuclei(tmp_path / "a.tif"), labels)


def test_classes_are_refused(tmp_path: Path) -> None:
    inside = ndimage.binary_erosion(discs() > 0)
    classes = inside * 1 + (discs() > 0)
    tifffile.imwrite(tmp_path / "a.tif", classes.astype(np.uint8))
    with pytest.raises(LabelsError, match=r"number of its own.*map of classes"):
        read_nuclei(tmp_path / "a.tif")


@pytest.mark.parametrize("inside", [0, 2])
def test_a_background_with_a_number_is_refused(tmp_path: Path, inside: int) -> None:
    labels = np.where(discs() > 0, inside, 1).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", labels)
    with pytest.raises(LabelsError, match=r"value 0 in the back.* 1 all around 6"):
        read_nuclei(tmp_path / "a.tif")


def test_a_large_nucleus_is_no_background(tmp_path: Path) -> None:
    mask = np.ones((40, 40), np.uint8) * 255
    mask[:5, :5] = mask[-5:, :5] = mask[:5, -5:] = mask[-5:, -5:] = 0
    Image.fromarray(mask).save(tmp_path / "a.png")
    assert read_nuclei(tmp_path / "a.png").max() == 1


@pytest.mark.parametrize(
    ("largest", "dtype"), [(255, "u1"), (90, "u1"), (65535, "u2"), (1, "f4")]
)
@pytest.mark.parametrize("sigma", [0, 0.7, 2])
def test_soft_masks_end_at_half_of_their_maximum(
    tmp_path: Path, largest: int, dtype: str, sigma: float
) -> None:
    mask = discs(1, 12, 40) > 0
    soft = ndimage.gaussian_filter(mask * float(largest), sigma).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", soft)
    found = read_mask(tmp_path / "a.tif")
    assert np.count_nonzero(found != mask) <= 0.06 * mask.sum()
    assert sigma or np.array_equal(found, mask)


def test_masks_of_many_forms_are_masks(tmp_path: Path) -> None:
    mask = LABELS == 1
    for number, pixels in enumerate(
        [
            mask,
            mask.astype(np.int8) * -1,
            np.where(mask, 1, np.nan).astype(np.float32),
            mask.astype(np.uint8)[np.newaxis],
            np.stack([mask * 0, mask * 255, mask * 0], -1).astype(np.uint8),
        ]
    ):
        tifffile.imwrite(tmp_path / f"{number}.tif", pixels)
        np.testing.assert_array_equal(read_mask(tmp_path / f"{number}.tif"), mask)
    tifffile.imwrite(tmp_path / "empty.tif", mask * np.uint8(0))
    assert not read_mask(tmp_path / "empty.tif").any()


def test_labels_in_place_of_one_mask_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", LABELS)
    with pytest.raises(LabelsError, match=r"a\.tif must be the mask of one nucleus"):
        read_mask(tmp_path / "a.tif")
