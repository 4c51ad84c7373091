from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.label_collections import open_collection
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import DatasetError, LabelsError
from napari_unet_nuclei.core.evaluation.comparison import compare, read_pair
from napari_unet_nuclei.core.evaluation.scores import evaluate_image
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.files.rle import write_rle_csv
from napari_unet_nuclei.core.images.staining import Staining

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = {name: draw_nuclei(seed, (48, 64), 4) for seed, name in enumerate("abc")}
LABELS = {name: labels for name, (_, labels) in TRUTH.items()}


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    folder = tmp_path / "truth"
    for name, (image, labels) in TRUTH.items():
        write_dsb2018_sample(folder, name, image, labels)
    return folder


def predict(name: str) -> np.ndarray:
    """Merge all nuclei of an image, and find a speck; nothing in b."""
    labels = LABELS[name]
    predicted = (labels > 0).astype(np.int32)
    predicted[tuple(np.argwhere(labels == 0)[0])] = 2
    return predicted * (name != "b")


@pytest.fixture
def prediction(tmp_path: Path) -> Path:
    folder = tmp_path / "prediction"
    for name in LABELS:
        write_labels_tiff(folder / f"{name}.tif", predict(name))
    return folder


def test_every_image_gets_scores_mistakes_and_staining(
    truth: Path, prediction: Path
) -> None:
    images = list(compare(open_collection(truth), open_collection(prediction)))
    assert [image.name for image in images] == ["a", "b", "c"]
    for image in images:
        labels = LABELS[image.name]
        predicted = predict(image.name)
        assert image.scores == evaluate_image(labels, predicted)
        assert image.pixels.accuracy == pytest.approx(
            ((labels > 0) == (predicted > 0)).mean()
        )
        assert image.staining is Staining.GRAYSCALE_DARK
        numbers = tuple(range(1, labels.max() + 1))
        assert image.mistakes.misses == (numbers if image.name == "b" else ())
        assert image.mistakes.merges == (() if image.name == "b" else (1,))


def test_only_images_that_are_named_are_compared(truth: Path, prediction: Path) -> None:
    (prediction / "a.tif").unlink()
    (prediction / "b.tif").write_text("not read")
    images = compare(open_collection(truth), open_collection(prediction), ["c"])
    assert [image.name for image in images] == ["c"]


@pytest.mark.parametrize(("order", "side"), [((0, 1), "prediction"), ((1, 0), "truth")])
def test_a_missing_image_is_named(
    truth: Path, prediction: Path, order: tuple[int, ...], side: str
) -> None:
    (prediction / "b.tif").unlink()
    collections = [open_collection(path) for path in (truth, prediction)]
    one, other = (collections[n] for n in order)
    with pytest.raises(DatasetError, match=f"{side} for each of the 3.*first is 'b'"):
        list(compare(one, other, ["a", "b", "c"]))


@pytest.mark.parametrize("csv_is_truth", [True, False])
def test_a_csv_gets_the_shape_from_the_other_side(
    truth: Path, tmp_path: Path, csv_is_truth: bool
) -> None:
    write_rle_csv(tmp_path / "a.csv", LABELS)
    sides = [open_collection(tmp_path / "a.csv"), open_collection(truth)]
    for name, (image, labels) in TRUTH.items():
        pair = read_pair(*(sides if csv_is_truth else sides[::-1]), name)
        np.testing.assert_array_equal(pair.truth, labels)
        np.testing.assert_array_equal(pair.prediction, labels)
        np.testing.assert_array_equal(pair.image, image)


@pytest.mark.parametrize("solution_is_truth", [True, False])
def test_a_solution_tells_a_submission_the_shape(
    tmp_path: Path, solution_is_truth: bool
) -> None:
    write_rle_csv(tmp_path / "submission.csv", LABELS)
    rows = (tmp_path / "submission.csv").read_text().splitlines()
    text = [f"{rows[0]},Height,Width", *(f"{row},48,64" for row in rows[1:])]
    (tmp_path / "solution.csv").write_text("\n".join(text))
    names = ["solution.csv", "submission.csv"][:: 1 if solution_is_truth else -1]
    images = list(compare(*(open_collection(tmp_path / name) for name in names)))
    assert [image.scores.dsb2018 for image in images] == [1, 1, 1]
    assert {image.staining for image in images} == {None}


def test_two_submissions_know_no_shape(tmp_path: Path) -> None:
    write_rle_csv(tmp_path / "a.csv", LABELS)
    collection = open_collection(tmp_path / "a.csv")
    with pytest.raises(DatasetError, match="columns Height and Width in one csv"):
        list(compare(collection, collection))


def test_shapes_that_differ_are_reported_with_the_image(
    truth: Path, prediction: Path
) -> None:
    write_labels_tiff(prediction / "b.tif", np.ones((64, 48), int))
    sentence = r"image b\. Received: truth \(48, 64\), prediction \(64, 48\)"
    with pytest.raises(LabelsError, match=sentence):
        list(compare(open_collection(truth), open_collection(prediction)))


def test_runs_that_leave_the_image_are_reported_with_it(
    truth: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ImageId,EncodedPixels\na,1 2\nb,9999 2\nc,\n")
    with pytest.raises(
        LabelsError, match=r"Image b: .*a\.csv: Expected runs inside an image"
    ):
        list(compare(open_collection(truth), open_collection(path)))


def test_stacks_are_compared_plane_by_plane(tmp_path: Path) -> None:
    stack = np.stack([LABELS["a"], LABELS["b"]])
    for side in ("truth", "prediction"):
        write_labels_tiff(tmp_path / side / "s.tif", stack, axes="ZYX")
    sides = [open_collection(tmp_path / side) for side in ("truth", "prediction")]
    images = list(compare(*sides))
    assert [image.name for image in images] == ["s[0]", "s[1]"]
    assert all(image.scores.dsb2018 == 1 for image in images)


def test_stacks_of_other_planes_are_refused(tmp_path: Path) -> None:
    stack = np.stack([LABELS["a"], LABELS["b"]])
    write_labels_tiff(tmp_path / "truth/s.tif", stack, axes="ZYX")
    write_labels_tiff(tmp_path / "prediction/s.tif", [*stack, stack[0]], axes="ZYX")
    sides = [open_collection(tmp_path / side) for side in ("truth", "prediction")]
    with pytest.raises(DatasetError, match=r"shape for s\. Received: 2 planes.*, 3 in"):
        list(compare(*sides))
