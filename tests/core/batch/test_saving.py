from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import roifile
from PIL import Image

from napari_unet_nuclei.core.batch.saving import (
    FORMATS,
    ResultToSave,
    check_paths,
    iter_save,
    result_paths,
)
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.label_records import LabelRecord, read_record
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.instances.measurements import measure_nuclei
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.settings.choices import OutputFormat

if TYPE_CHECKING:
    from pathlib import Path

IMAGE, LABELS = draw_nuclei(0, (80, 100), 9)
NAMES = [
    *("cells_masks.tif", "cells_nuclei.csv", "cells_nuclei.geojson"),
    *("cells_overlay.png", "cells_rois.zip"),
]


def result(**changes: Any) -> ResultToSave:
    fields: dict[str, Any] = {
        "labels": LABELS,
        "axes": "YX",
        "calibration": Calibration(sizes={"Y": 0.5, "X": 0.5}, unit="um"),
        "record": LabelRecord(provenance={"model": "resnet"}),
        "table": measure_nuclei(LABELS, IMAGE),
        "image": IMAGE,
    }
    return ResultToSave(**(fields | changes))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_forms_of_a_result(tmp_path: Path) -> None:
    paths = result_paths(tmp_path, "cells", FORMATS)
    steps = list(iter_save(result(), paths))
    assert [step.fraction for step in steps] == [0.2, 0.4, 0.6, 0.8, 1]
    assert names_in(tmp_path) == NAMES
    n_nuclei = LABELS.max()
    np.testing.assert_array_equal(read_labels(paths[OutputFormat.TIFF]), LABELS)
    record = read_record(paths[OutputFormat.TIFF])
    assert record is not None
    assert record.provenance == {"model": "resnet"}
    with paths[OutputFormat.FEATURES].open() as file:
        assert len(list(csv.DictReader(file))) == n_nuclei
    assert len(roifile.roiread(paths[OutputFormat.ROIS])) == n_nuclei
    content = json.loads(paths[OutputFormat.GEOJSON].read_text())
    areas = [each["properties"]["measurements"]["area"] for each in content["features"]]
    assert areas == np.bincount(LABELS.ravel())[1:].tolist()
    with Image.open(paths[OutputFormat.OVERLAY]) as picture:
        assert picture.size[0] > 2 * LABELS.shape[1]


@pytest.mark.parametrize("n_steps", [0, 1, 4])
def test_a_result_that_is_cancelled_leaves_no_file(
    n_steps: int, tmp_path: Path
) -> None:
    steps = iter_save(result(), result_paths(tmp_path, "cells", FORMATS))
    for _ in range(n_steps):
        next(steps)
    steps.close()
    assert names_in(tmp_path) == []


def test_a_form_that_fails_leaves_no_file(tmp_path: Path) -> None:
    paths = result_paths(tmp_path, "cells", FORMATS)
    with pytest.raises(OutputError, match="for overlay; leave it out"):
        exhaust(iter_save(result(image=None), paths))
    with pytest.raises(OutputError, match="for features; leave it out"):
        exhaust(iter_save(result(table=None), paths))
    assert names_in(tmp_path) == []


def test_files_are_replaced_on_request_only(tmp_path: Path) -> None:
    paths = result_paths(tmp_path, "cells", FORMATS)
    paths[OutputFormat.ROIS].write_text("mine")
    with pytest.raises(OutputError, match=r"which exists\. Choose to replace it"):
        check_paths(paths.values(), [], may_replace=False)
    with pytest.raises(OutputError, match="new file"):
        exhaust(iter_save(result(), paths))
    assert paths[OutputFormat.ROIS].read_text() == "mine"
    check_paths(paths.values(), [], may_replace=True)
    exhaust(iter_save(result(), paths, may_replace=True))
    assert len(roifile.roiread(paths[OutputFormat.ROIS])) == LABELS.max()


def test_no_image_is_replaced(tmp_path: Path) -> None:
    paths = result_paths(tmp_path, "cells", [OutputFormat.TIFF])
    path = paths[OutputFormat.TIFF]
    path.write_text("an image")
    (tmp_path / "link.tif").symlink_to(path)
    with pytest.raises(OutputError, match="part of the input"):
        check_paths([path], [tmp_path / "link.tif"], may_replace=True)


def test_nothing_and_names_of_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="check at least one"):
        check_paths([], [], may_replace=False)
    with pytest.raises(OutputError, match="a/b"):
        result_paths(tmp_path, "a/b", FORMATS)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="no folder"):
        check_paths([tmp_path / "file" / "x.tif"], [], may_replace=False)


def test_stacks_are_saved_without_a_picture(tmp_path: Path) -> None:
    labels = np.stack([LABELS, np.where(LABELS, LABELS + LABELS.max(), 0)])
    stack = result(labels=labels, axes="ZYX", image=None, table=None)
    kinds = OutputFormat.TIFF, OutputFormat.ROIS, OutputFormat.GEOJSON
    paths = result_paths(tmp_path, "cells", kinds)
    exhaust(iter_save(stack, paths))
    assert len(roifile.roiread(paths[OutputFormat.ROIS])) == labels.max()
