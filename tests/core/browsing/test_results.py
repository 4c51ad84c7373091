"""What has been done is known from files, whatever became of the JSON file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.browsing.results import (
    PROGRESS_FILE,
    ImageProgress,
    ImageState,
    ResultFolder,
    default_folder,
)
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.label_records import LabelRecord
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.zeros((40, 60), np.int32)
LABELS[3:9, 4:12] = 1
LABELS[20:30, 30:40] = 7


@pytest.fixture
def results(folder: Path) -> ResultFolder:
    """Return the place for the results of a folder of images."""
    return ResultFolder(default_folder(folder), folder)


def save(results: ResultFolder, name: str, **provenance: Any) -> Path:
    """Write labels the way the window does."""
    path = results.path_of(name)
    write_labels_tiff(path, LABELS, record=LabelRecord(provenance=provenance))
    return path


def state(results: ResultFolder, name: str) -> ImageState:
    return results.progress([name])[name].state


def test_results_lie_beside_the_images(folder: Path, results: ResultFolder) -> None:
    assert results.folder == folder.with_name("cells_results")
    assert results.path_of("a") == results.folder / "a_masks.tif"
    assert not results.folder.exists()  # until something is written


def test_states_follow_the_files(results: ResultFolder) -> None:
    assert state(results, "a") is ImageState.NOTHING
    save(results, "a", model="resnet")
    assert state(results, "a") is ImageState.SEGMENTED
    save(results, "b", model="resnet", corrected_by_hand="1 added")
    save(results, "c")
    found = {name: results.look_into(name) for name in "abc"}
    assert [each.n_nuclei for each in found.values()] == [2, 2, 2]
    assert found["a"].state is ImageState.SEGMENTED
    assert found["b"].state is ImageState.CORRECTED
    assert found["c"].state is ImageState.CORRECTED  # drawn by hand
    results.note("b", found["b"])
    assert results.progress("ab")["b"].n_nuclei == 2
    assert results.progress("ab")["a"].n_nuclei is None


def test_done_stays_and_counts_only_hold_for_the_file_they_are_of(
    results: ResultFolder,
) -> None:
    save(results, "a")
    done = ImageProgress(is_segmented=True, is_corrected=True, is_done=True, n_nuclei=2)
    results.note("a", done)
    assert results.progress(["a"])["a"] == done
    write_labels_tiff(results.path_of("a"), LABELS[:, :30])
    again = results.progress(["a"])["a"]
    assert again.is_done
    assert again.n_nuclei is None
    assert results.look_into("a").n_nuclei == 1
    results.path_of("a").unlink()
    assert results.progress(["a"])["a"].state is ImageState.DONE


@pytest.mark.parametrize("text", ["", "{", '{"images": 1}', '{"images": {"a": 2}}'])
def test_without_the_json_file_only_what_is_done_is_lost(
    results: ResultFolder, text: str
) -> None:
    save(results, "a", model="resnet")
    (results.folder / PROGRESS_FILE).write_text(text)
    assert results.look_into("a").state is ImageState.SEGMENTED
    results.note("b", ImageProgress(is_done=True))
    assert json.loads((results.folder / PROGRESS_FILE).read_text())["images"]["b"]


def test_results_of_the_command_line_are_found(results: ResultFolder) -> None:
    path = results.folder / "a.tif"
    write_labels_tiff(path, LABELS, record=LabelRecord(provenance={"model": "x"}))
    assert results.find("a") == path
    assert state(results, "a") is ImageState.SEGMENTED
    ours = save(results, "a")
    assert results.find("a") == ours


def test_files_of_others_are_neither_results_nor_replaced(
    results: ResultFolder,
) -> None:
    results.folder.mkdir()
    tifffile.imwrite(results.folder / "a_masks.tif", LABELS.astype(np.uint16))
    assert results.find("a") is None
    assert state(results, "a") is ImageState.NOTHING
    with pytest.raises(OutputError, match="which another program wrote"):
        results.path_of("a")
    with pytest.raises(OutputError, match="one that a file can have"):
        results.path_of("/cells/a")
    assert results.find("/cells/a") is None


def test_the_folder_of_the_images_is_refused(folder: Path) -> None:
    with pytest.raises(OutputError, match="in which the images are"):
        ResultFolder(folder, folder)
    with pytest.raises(OutputError, match="in which the images are"):
        ResultFolder(folder, folder / "a.tif")
    with pytest.raises(OutputError, match="which is no folder"):
        ResultFolder(folder / "a.tif", folder)
