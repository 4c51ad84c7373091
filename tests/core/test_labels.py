from __future__ import annotations

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import LabelsError
from napari_unet_nuclei.core.labels import check_labels


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "i4", "i8", "u8", "f4", "f8"])
def test_whole_numbers_of_any_type_become_int32(dtype):
    labels = check_labels(np.array([[0, 1], [2, 100]], dtype))
    assert labels.dtype == np.int32
    assert labels.tolist() == [[0, 1], [2, 100]]


def test_a_mask_becomes_one_label():
    assert check_labels([[False, True]]).tolist() == [[0, 1]]


def test_int32_labels_are_passed_on_without_a_copy():
    labels = np.zeros((3, 4), np.int32)
    assert check_labels(labels) is labels


def test_the_result_is_contiguous():
    assert check_labels(np.zeros((6, 4), np.int32)[::2].T).flags.c_contiguous


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (4, 4, 3), (), (0, 5)])
def test_other_shapes_are_refused(shape):
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
def test_other_values_are_refused(labels, evidence):
    with pytest.raises(LabelsError, match=f"hold whole numbers. Received.*{evidence}"):
        check_labels(labels)


@pytest.mark.parametrize("value", [-1, 2**31, np.inf])
def test_values_out_of_range_are_refused(value):
    with pytest.raises(
        LabelsError, match=r"between 0 \(background\) and 2,147,483,647"
    ):
        check_labels([[0, value]])


def test_the_rarest_kind_of_no_number_is_refused_without_a_warning():
    signalling = np.array([[0x7FA00000, 0]], np.uint32).view(np.float32)
    with pytest.raises(LabelsError, match="with the value nan"):
        check_labels(signalling)


def test_the_message_names_the_labels():
    with pytest.raises(LabelsError, match=r"^nuclei\.tif must"):
        check_labels([[-1]], name="nuclei.tif")
