from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_masks
from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.drawing.overlays import draw_side_by_side
from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.files.run_lengths import encode_labels
from napari_unet_nuclei.core.insights.masks import read_label_masks
from napari_unet_nuclei.core.instances.labels import (
    check_labels,
    compact_labels,
    find_nuclei,
    label_areas,
)
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.training.crops.targets import normalised_distance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray


@pytest.mark.parametrize(
    "dtype", ["u1", "u2", ">u2", "i4", "i8", "u8", "f2", "f4", "f8"]
)
def test_whole_numbers_of_any_type_become_int32(dtype: str) -> None:
    labels = check_labels(np.array([[0, 1], [2, 100]], dtype))
    assert labels.dtype == np.int32
    assert labels.tolist() == [[0, 1], [2, 100]]


@pytest.mark.parametrize("dtype", ["u4", "i8", "f4", "f8"])
def test_the_first_number_that_is_too_large_is_refused(dtype: str) -> None:
    with pytest.raises(LabelsError, match=r"between 0 .* and 2,147,483,647"):
        check_labels(np.array([[0, 2**31]], dtype))


def test_a_mask_becomes_one_label() -> None:
    assert check_labels([[False, True]]).tolist() == [[0, 1]]


def test_int32_labels_are_passed_on_without_a_copy() -> None:
    labels = np.zeros((3, 4), np.int32)
    assert check_labels(labels) is labels


def test_the_result_is_contiguous() -> None:
    assert check_labels(np.zeros((6, 4), np.int32)[::2].T).flags.c_contiguous


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (4, 4, 3), (), (0, 5)])
def test_other_shapes_are_refused(shape: tuple[Any, ...]) -> None:
    with pytest.raises(LabelsError, match=r"shape \(Y, X\) with some pixels. Received"):
        check_labels(np.zeros(shape, int))


@pytest.mark.parametrize(
    ("labels", "evidence"),
    [
        ([[0, 0.5]], "dtype float64 with the value 0.5"),
        ([[0, np.nan]], "with the value nan"),
        ([["a"]], "dtype <U1"),
        ([[1j]], "dtype complex128"),
        (np.array([[None]]), "dtype object"),
    ],
)
def test_other_values_are_refused(
    labels: NDArray[Any] | list[Any], evidence: str
) -> None:
    with pytest.raises(LabelsError, match=f"hold whole numbers. Received.*{evidence}"):
        check_labels(labels)


@pytest.mark.parametrize("value", [-1, 2**31, np.inf])
def test_values_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(
        LabelsError, match=r"between 0 \(background\) and 2,147,483,647"
    ):
        check_labels([[0, value]])


def test_the_rarest_kind_of_no_number_is_refused_without_a_warning() -> None:
    signalling = np.array([[0x7FA00000, 0]], np.uint32).view(np.float32)
    with pytest.raises(LabelsError, match="with the value nan"):
        check_labels(signalling)


def test_the_message_names_the_labels() -> None:
    with pytest.raises(LabelsError, match=r"^nuclei\.tif must"):
        check_labels([[-1]], name="nuclei.tif")


@settings(deadline=None)
@given(
    hnp.arrays(
        "i4",
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.sampled_from([0, 1, 2, 7, 2_000_000_000]),
    )
)
def test_nuclei_are_found_whatever_their_numbers(labels: Any) -> None:
    compact, numbers = compact_labels(labels)
    np.testing.assert_array_equal(np.append(0, numbers)[compact], labels)
    assert numbers.tolist() == sorted(set(labels[labels > 0].tolist()))
    found = dict(find_nuclei(labels))
    assert list(found) == numbers.tolist()
    areas = [np.count_nonzero(labels[box] == n) for n, box in found.items()]
    assert areas == label_areas(labels)[1].tolist()
    assert sum(areas) == np.count_nonzero(labels)


def test_numbers_in_a_row_are_not_copied() -> None:
    labels = np.array([[0, 1], [2, 2]], np.int32)
    assert compact_labels(labels)[0] is labels


def peak_memory(call: Callable[..., Any]) -> int:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


LARGE = np.array([[0, 1], [2_000_000_000, 2_000_000_000]], np.int32).repeat(8, 0)


@pytest.mark.parametrize(
    "consume",
    [
        normalised_distance,
        encode_labels,
        lambda labels: cross_tabulate(labels, labels),
        lambda labels: measure_nuclei(labels, labels.astype(np.float32)),
        lambda labels: draw_side_by_side(labels.astype(np.float32), labels),
        lambda labels: list(
            read_label_masks(Sample("a", labels.astype(np.float32), labels))
        ),
    ],
)
def test_large_numbers_take_no_memory(consume: Callable[..., Any]) -> None:
    consume(LARGE)  # loads what it needs
    assert peak_memory(lambda: consume(LARGE)) < 2**24


def test_large_numbers_are_written_as_masks(tmp_path: Path) -> None:
    assert peak_memory(lambda: write_dsb2018_masks(tmp_path, "a", LARGE)) < 2**24
    names = sorted(path.name for path in (tmp_path / "a/masks").iterdir())
    assert names == ["a_0000000001.png", "a_2000000000.png"]
