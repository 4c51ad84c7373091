from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.batch.inputs import NamedImage, find_inputs
from napari_unet_nuclei.core.batch.outputs import BatchOutputs
from napari_unet_nuclei.core.batch.planning import plan_outputs
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.errors import DatasetError, OutputError
from napari_unet_nuclei.core.files.labels import write_labels_tiff
from napari_unet_nuclei.core.files.rle import write_runs_csv
from napari_unet_nuclei.core.images.stored_image import StoredImage
from napari_unet_nuclei.core.settings.choices import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
TIFF, PNG, RLE = OutputFormat.TIFF, OutputFormat.PNG, OutputFormat.RLE
FEATURES, OVERLAY = OutputFormat.FEATURES, OutputFormat.OVERLAY
DSB2018 = OutputFormat.DSB2018
EACH = pytest.mark.parametrize("kind", list(OutputFormat))


def write(path: Path, pixels: NDArray[Any] = PIXELS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def plan(
    inputs: Sequence[Path], folder: Path, *formats: OutputFormat, **options: bool
) -> BatchOutputs:
    return plan_outputs(find_inputs(inputs), folder, formats, inputs, **options)


def fill(outputs: BatchOutputs, name: str) -> Path:
    """Put something where a result would go; return the file."""
    (kind,) = outputs.formats
    path = outputs.path_of(name, kind)
    if kind is DSB2018:
        path = path / "masks" / "drawn by hand.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("ImageId,EncodedPixels\nx,\n" if kind is RLE else "precious")
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("x.png", "y.bmp"):
        write(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    write(tmp_path / "set" / "images" / "i.png")
    write(tmp_path / "set" / "images" / "j.png")
    write_labels_tiff(tmp_path / "set" / "labels" / "i.tif", PIXELS.astype(int))
    return tmp_path / "set"


@pytest.fixture
def dsb2018(tmp_path: Path) -> Path:
    for name in "ij":
        write_dsb2018_sample(tmp_path / "dsb", name, PIXELS, PIXELS > 5)
    return tmp_path / "dsb"


def test_in_a_folder_of_their_own_results_have_plain_names(
    photos: Any, tmp_path: Path
) -> None:
    outputs = plan([photos], tmp_path / "out", *OutputFormat)
    assert not outputs.is_beside
    assert [outputs.path_of("x", kind).name for kind in OutputFormat] == [
        *("x.tif", "x.png", "x", "predictions.csv", "x_overlay.png", "x_nuclei.csv"),
        *("x_rois.zip", "x_nuclei.geojson"),
    ]
    assert {outputs.path_of("x", kind).parent for kind in OutputFormat} == {
        tmp_path / "out"
    }


@pytest.mark.parametrize("how", ["folder", "file", "link", "dots", "some", "out link"])
def test_beside_images_labels_have_names_of_their_own(
    photos: Any, tmp_path: Path, how: Any
) -> None:
    folder, inputs = photos, [photos]
    if how == "file":
        inputs = [photos / "x.png"]
    elif how == "link":
        (tmp_path / "link").symlink_to(photos)
        folder = tmp_path / "link"
    elif how == "dots":
        folder = photos / ".." / "photos"
    elif how == "some":
        inputs = [write(tmp_path / "elsewhere" / "z.png"), photos / "x.png"]
    elif how == "out link":
        (tmp_path / "link").symlink_to(photos)
        inputs = [tmp_path / "link"]
    outputs = plan(inputs, folder, *OutputFormat)
    assert outputs.is_beside
    assert [outputs.path_of("x", kind).name for kind in OutputFormat] == [
        *("x_masks.tif", "x_masks.png", "x", "predictions.csv"),
        *("x_overlay.png", "x_nuclei.csv", "x_rois.zip", "x_nuclei.geojson"),
    ]


@EACH
def test_what_exists_is_refused_replaced_or_kept(
    photos: Any, tmp_path: Path, kind: Any
) -> None:
    out = tmp_path / "out"
    fill(plan([photos], out, kind), "x")
    with pytest.raises(OutputError, match=r"which exists\. Use --skip-existing"):
        plan([photos], out, kind)
    replaced = plan([photos], out, kind, overwrite=True)
    assert replaced.formats_of("x") == replaced.formats_of("y") == (kind,)
    assert not replaced.rows
    kept = plan([photos], out, kind, skip_existing=True)
    assert kept.formats_of("x") == ()
    assert kept.formats_of("y") == (kind,)
    assert [image.name for image in kept.missing(find_inputs([photos]))] == ["y"]
    assert kept.rows == ({"x": []} if kind is RLE else {})


def test_of_an_image_only_what_is_missing_is_written(
    photos: Any, tmp_path: Path
) -> None:
    fill(BatchOutputs(tmp_path, (TIFF,)), "x")
    write_runs_csv(tmp_path / "predictions.csv", {"y": ["1 2"]})
    outputs = plan([photos], tmp_path, TIFF, PNG, RLE, skip_existing=True)
    assert outputs.formats_of("x") == (PNG, RLE)
    assert outputs.formats_of("y") == (TIFF, PNG)


def test_rows_are_not_added_to_another_kind_of_csv(photos: Any, tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").write_text("well,nuclei\nA1,7\n")
    with pytest.raises(DatasetError, match="to add rows to"):
        plan([photos], tmp_path, RLE, skip_existing=True)


def test_several_that_exist_are_counted(photos: Any, tmp_path: Path) -> None:
    for name in "xy":
        fill(BatchOutputs(tmp_path, (FEATURES,)), name)
    with pytest.raises(
        OutputError, match=r"2 that exist, the first is .*x_nuclei\.csv"
    ):
        plan([photos], tmp_path, TIFF, FEATURES)


@pytest.mark.parametrize("part", ["images/x.png", "masks/x_0001.png"])
def test_a_sample_exists_with_an_image_or_a_mask(
    photos: Any, tmp_path: Path, part: Any
) -> None:
    for empty in ("images", "masks"):
        (tmp_path / "x" / empty).mkdir(parents=True)
    (tmp_path / "x" / "masks" / ".hidden").touch()
    assert plan([photos], tmp_path, DSB2018)
    (tmp_path / "x" / part).touch()
    with pytest.raises(OutputError, match="x, which exists"):
        plan([photos], tmp_path, DSB2018)


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("kind", [TIFF, PNG, OVERLAY, FEATURES])
def test_an_input_is_never_replaced(
    photos: Any, tmp_path: Path, link: Any, kind: Any
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    link(photos / "y.bmp", BatchOutputs(out, (kind,)).path_of("x", kind))
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="which is part of the input"):
            plan([photos], out, kind, overwrite=overwrite)


def test_nor_is_one_that_is_called_like_a_result(tmp_path: Path) -> None:
    inputs = [write(tmp_path / "x.png"), write(tmp_path / "x_masks.tif")]
    with pytest.raises(OutputError, match=r"x_masks\.tif, which is part of the input"):
        plan(inputs, tmp_path, TIFF, overwrite=True)


def test_nor_are_labels_and_masks_of_a_data_set(
    labelled: Any, dsb2018: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "j.tif").hardlink_to(labelled / "labels" / "i.tif")
    with pytest.raises(OutputError, match="which is part of the input"):
        plan([labelled], out, TIFF, overwrite=True)
    # The images alone were given, and yet the labels are theirs.
    with pytest.raises(OutputError, match="which is part of the input"):
        plan([labelled / "images"], labelled / "labels", TIFF, overwrite=True)
    for given in (dsb2018, dsb2018 / "i", dsb2018 / "i/images/i.png"):
        with pytest.raises(OutputError, match="which is part of the input"):
            plan([given], dsb2018, DSB2018, overwrite=True)
    (out / "i").symlink_to(dsb2018 / "j")
    with pytest.raises(OutputError, match="which is part of the input"):
        plan([dsb2018], out, DSB2018, overwrite=True)


def test_a_data_set_is_not_added_to(
    labelled: Any, dsb2018: Any, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(labelled / "labels")
    for inputs, folder in (
        ([labelled], labelled / "images"),
        ([labelled], labelled / "labels"),
        ([labelled], tmp_path / "link"),
        ([labelled / "images"], labelled / "images"),
        ([labelled / "images/i.png"], labelled / "images"),
        ([dsb2018], dsb2018 / "i" / "images"),
        ([dsb2018], dsb2018 / "i" / "masks"),
        ([dsb2018 / "i"], dsb2018 / "i" / "masks"),
    ):
        for kind in (TIFF, OVERLAY, RLE):
            with pytest.raises(OutputError, match="no part of a data set"):
                plan(inputs, folder, kind, overwrite=True)
    for inputs, folder in (
        ([labelled], labelled),
        ([labelled], labelled / "results"),
        ([dsb2018], dsb2018),
    ):
        assert not plan(inputs, folder, TIFF, PNG, OVERLAY).is_beside


def test_images_without_labels_may_get_some_from_a_batch(labelled: Any) -> None:
    inputs, folder = [labelled / "images"], labelled / "labels"
    outputs = plan(inputs, folder, TIFF, skip_existing=True)
    assert outputs.formats_of("i") == ()
    assert outputs.formats_of("j") == (TIFF,)


@pytest.mark.parametrize(
    ("names", "formats"),
    [
        (["x.png", "x_overlay.png.bmp"], [DSB2018, OVERLAY]),
        (["x.png", "x.tif.bmp"], [TIFF, DSB2018]),
        (["x.bmp", "x_overlay.tif"], [PNG, OVERLAY]),
        (["x.png", "predictions.csv.png"], [DSB2018, RLE]),
        (["x.png", "x_nuclei.csv.png"], [DSB2018, FEATURES]),
    ],
)
def test_results_of_two_images_have_two_paths(
    tmp_path: Path, names: Any, formats: Any
) -> None:
    for name in names:
        write(tmp_path / "in" / name)
    with pytest.raises(OutputError, match="would both be written to"):
        plan([tmp_path / "in"], tmp_path / "out", *formats, overwrite=True)
    for kind in formats:
        assert plan([tmp_path / "in"], tmp_path / "out", kind)


def test_files_that_cannot_be_read_have_no_results(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "movie.gif").touch()
    outputs = plan([tmp_path / "a", tmp_path / "b"], tmp_path / "a", TIFF)
    with pytest.raises(OutputError, match="one that a file can have"):
        outputs.path_of(str(tmp_path / "a" / "movie.gif"), TIFF)


def test_ten_thousand_images_cost_a_few_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [
        NamedImage(f"{n}", lambda: StoredImage(PIXELS), tmp_path / "in" / f"{n}.tif")
        for n in range(10_000)
    ]
    out = tmp_path / "out"
    (tmp_path / "in").mkdir()
    out.mkdir()
    (out / "unrelated.tif").touch()
    n_calls = []
    for name in ("stat", "lstat", "scandir", "listdir", "open"):
        function = getattr(os, name)
        monkeypatch.setattr(
            os,
            name,
            lambda *arguments, function=function, **options: (
                n_calls.append(1) or function(*arguments, **options)
            ),
        )
    inputs = [tmp_path / "in"]
    assert plan_outputs(images, out, list(OutputFormat), inputs).formats
    assert 0 < len(n_calls) < 100


@pytest.mark.parametrize("name", ["a:b", "a\\b", "a\nb", "a\x7fb"])
def test_a_name_that_no_sample_can_have_is_refused_in_time(
    tmp_path: Path, name: Any
) -> None:
    images = [NamedImage(name, lambda: StoredImage(PIXELS))]
    with pytest.raises(OutputError, match="can be a file name") as caught:
        plan_outputs(images, tmp_path / "out", [TIFF, DSB2018])
    assert repr(name) in str(caught.value)
    assert plan_outputs(images, tmp_path / "out", [TIFF])


def test_a_csv_that_is_read_gets_no_rows(photos: Any, tmp_path: Path) -> None:
    csv = fill(BatchOutputs(tmp_path, (RLE,)), "x")
    for flags in ({"overwrite": True}, {"skip_existing": True}):
        with pytest.raises(OutputError, match="which is part of the input"):
            plan_outputs(find_inputs([photos]), tmp_path, [RLE], [photos, csv], **flags)
