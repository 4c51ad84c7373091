from __future__ import annotations

import csv
from dataclasses import asdict
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.batch import run as batch
from napari_unet_nuclei.core.batch.inputs import NamedImage
from napari_unet_nuclei.core.batch.outputs import RLE_NAME, BatchOutputs
from napari_unet_nuclei.core.batch.own_results import OwnResultError
from napari_unet_nuclei.core.batch.planning import plan_outputs
from napari_unet_nuclei.core.batch.predictions_table import PredictionsTable
from napari_unet_nuclei.core.batch.run import segment_images
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import ImageError, OutputError
from napari_unet_nuclei.core.files.images import read_stored_image
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.label_records import as_plain, read_record
from napari_unet_nuclei.core.files.rle import read_rle_csv
from napari_unet_nuclei.core.files.run_lengths import decode_labels
from napari_unet_nuclei.core.images.calibration import Calibration
from napari_unet_nuclei.core.images.stored_image import StoredImage
from napari_unet_nuclei.core.progress import PlaneDone
from napari_unet_nuclei.core.segmentation.model import Model, load_model
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation
from napari_unet_nuclei.core.settings.choices import OutputFormat
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

SETTINGS = SegmentationSettings()


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("classic")


def drawn(name: str, seed: int = 0) -> NamedImage:
    return NamedImage(name, lambda: StoredImage(draw_nuclei(seed, (128, 160), 8)[0]))


def broken(error: Exception) -> NamedImage:
    def read() -> None:
        raise error

    return NamedImage("broken", read)


def test_nuclei_that_could_not_be_written_do_not_count(
    model: Model, tmp_path: Path
) -> None:
    bad, good = run(model, [drawn("x" * 300), drawn("b")], tmp_path, OutputFormat.TIFF)
    assert bad.error
    assert bad.n_nuclei == 0
    assert good.n_nuclei > 0


def run(model: Model, images: Any, folder: Path, *formats: Any) -> Any:
    return list(segment_images(model, images, BatchOutputs(folder, formats), SETTINGS))


def test_a_batch_gives_one_picture_an_image_and_one_csv(
    model: Model, tmp_path: Path
) -> None:
    images = [drawn("a"), drawn("b", seed=1)]
    done = run(model, images, tmp_path, OutputFormat.OVERLAY, OutputFormat.RLE)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a_overlay.png", "b_overlay.png", "predictions.csv"]
    runs = read_rle_csv(tmp_path / RLE_NAME)
    assert [image.name for image in done] == list(runs) == ["a", "b"]
    assert [image.n_nuclei for image in done] == [len(runs[name]) for name in "ab"]
    for name in "ab":
        with Image.open(tmp_path / f"{name}_overlay.png") as picture:
            assert picture.size == (2 * 4 * 160 + 8, 4 * 128)


def test_label_images_say_how_they_were_made(model: Model, tmp_path: Path) -> None:
    run(model, [drawn("a")], tmp_path, OutputFormat.TIFF, OutputFormat.PNG)
    for name in ("a.tif", "a.png"):
        record = read_record(tmp_path / name)
        assert record.provenance["sample_id"] == "a"
        assert record.provenance["model"] == "classic"
        assert record.provenance["engine"] == model.engine.description
        assert record.provenance["settings"] == as_plain(asdict(SETTINGS))
        assert record.provenance["package"].startswith("napari-unet-nuclei ")
        assert record.features == {}
    before = (tmp_path / "a.tif").read_bytes()
    run(model, [drawn("a")], tmp_path, OutputFormat.TIFF)
    assert (tmp_path / "a.tif").read_bytes() == before


def test_a_doubtful_result_says_so_in_its_file_too(
    model: Model, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).normal(size=(160, 160)).cumsum(axis=0)
    images = [drawn("a"), NamedImage("noise", lambda: StoredImage(noise))]
    nuclei, doubtful = run(model, images, tmp_path, OutputFormat.TIFF)
    assert nuclei.warnings == ()
    assert "warnings" not in read_record(tmp_path / "a.tif").provenance
    record = read_record(tmp_path / "noise.tif")
    assert doubtful.warnings == tuple(record.provenance["warnings"])
    assert doubtful.warnings


@pytest.mark.parametrize("fits", [True, False])
def test_an_image_waits_for_the_last_one_where_memory_is_small(
    fits: Any, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second image is begun while the first is split, or only afterwards."""
    monkeypatch.setattr(batch, "fits_beside_another", lambda *_: fits)
    begun = []
    is_second_begun = Event()
    seen = []

    def iter_watched(
        model: Model, stack: Any, settings: Any, **options: Any
    ) -> Iterator[Any]:
        begun.append(stack)
        if len(begun) == 2:
            is_second_begun.set()
        steps = iter_segmentation(model, stack, settings, **options)
        yield next(step for step in steps if isinstance(step, PlaneDone))
        seen.append(is_second_begun.wait(5 if fits else 0.1))
        return (yield from steps)

    monkeypatch.setattr(batch, "iter_segmentation", iter_watched)
    done = run(model, [drawn("a"), drawn("b", 1)], tmp_path, OutputFormat.TIFF)
    assert [image.error for image in done] == [None, None]
    assert seen == [fits, True]


def test_pictures_show_the_nuclei_of_the_csv(model: Model, tmp_path: Path) -> None:
    run(model, [drawn("a")], tmp_path, OutputFormat.OVERLAY, OutputFormat.RLE)
    labels = decode_labels(read_rle_csv(tmp_path / RLE_NAME)["a"], (128, 160))
    with Image.open(tmp_path / "a_overlay.png") as picture:
        found = np.asarray(picture)[:, 4 * 160 + 8 :]
    is_line = (np.ptp(found, axis=-1) > 0)[::4, ::4]
    assert is_line.any()
    assert (labels[is_line] > 0).all()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ImageError("it is a letter"), "it is a letter"),
        (
            MemoryError("Unable to allocate"),
            "not enough memory (Unable to allocate); cut the image into pieces",
        ),
        (MemoryError(), "not enough memory; cut the image into pieces"),
    ],
)
def test_a_bad_image_is_reported_and_passed_over(
    model: Model, tmp_path: Path, error: Any, sentence: str
) -> None:
    images = [broken(error), drawn("good")]
    bad, good = run(model, images, tmp_path, OutputFormat.TIFF, OutputFormat.RLE)
    assert (bad.name, bad.n_nuclei, bad.error) == ("broken", 0, sentence)
    assert good.error is None
    assert read_labels(tmp_path / "good.tif").max() == good.n_nuclei > 0
    assert list(read_rle_csv(tmp_path / RLE_NAME)) == ["good"]


def calibrated(name: Any, axes: Any, **options: Any) -> NamedImage:
    image = draw_nuclei(0, (96, 96), 5)[0]
    shape = [{"Y": 96, "X": 96}.get(axis, 2) for axis in axes]
    calibration = Calibration(
        sizes={"X": 0.5, "Y": 0.25, "Z": 2.0, "T": 3.0}, unit="um", time_unit="s"
    )
    stored = StoredImage(np.broadcast_to(image, shape), axes, calibration, **options)
    return NamedImage(name, lambda: stored)


def test_a_batch_may_mix_planes_stacks_and_movies(model: Model, tmp_path: Path) -> None:
    images = [calibrated(axes, axes) for axes in ("YX", "ZYX", "TYX", "TZYX")]
    done = run(model, images, tmp_path, OutputFormat.TIFF)
    assert all(image.error is None for image in done)
    for image in images:
        result = read_stored_image(tmp_path / f"{image.name}.tif")
        assert result.axes == image.name
        expected = {"X": 0.5, "Y": 0.25, "Z": 2.0, "T": 3.0}
        for axis in image.name:
            assert result.calibration.sizes[axis] == expected[axis]
        assert result.calibration.unit == "um"


def test_tables_have_columns_in_the_unit_of_the_image(
    model: Model, tmp_path: Path
) -> None:
    run(model, [calibrated("a", "YX"), drawn("b")], tmp_path, OutputFormat.FEATURES)
    with (tmp_path / "a_nuclei.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert float(row["area_um2"]) == pytest.approx(float(row["area"]) / 8)
        for axis, size in (("y", 0.25), ("x", 0.5)):
            place = float(row[f"centroid_{axis}"]) * size
            assert float(row[f"centroid_{axis}_um"]) == pytest.approx(place, rel=1e-5)
    assert "um" not in (tmp_path / "b_nuclei.csv").read_text()


def test_what_the_user_should_know_of_a_file_comes_with_the_result(
    model: Model, tmp_path: Path
) -> None:
    images = [calibrated("a", "TYX", notes=("It holds 2 images.",)), drawn("b")]
    outputs = BatchOutputs(tmp_path, (OutputFormat.TIFF,))
    done = list(segment_images(model, images, outputs, SETTINGS, axes="ZYX"))
    assert [image.error for image in done] == [None, None]
    assert done[0].notes == (
        "It holds 2 images.",
        "Its header says TYX: the axes ZYX were used instead.",
    )
    assert done[1].notes == ()


def test_channels_of_a_file_need_a_choice(model: Model, tmp_path: Path) -> None:
    image = calibrated("a", "CYX", channels=("DAPI", "GFP"))
    (done,) = run(model, [image], tmp_path, OutputFormat.TIFF)
    assert "2 channels (0 DAPI, 1 GFP). Choose one with --channel" in done.error


def test_a_folder_that_cannot_be_written_to_ends_the_batch(
    model: Model, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        run(model, [drawn("a"), drawn("b")], tmp_path / "file", OutputFormat.TIFF)


def test_no_image_gives_an_empty_csv(model: Model, tmp_path: Path) -> None:
    assert run(model, [], tmp_path, OutputFormat.RLE) == []
    assert read_rle_csv(tmp_path / RLE_NAME) == {}


def test_a_name_that_is_too_long_does_not_end_the_batch(
    model: Model, tmp_path: Path
) -> None:
    images = [drawn("long" * 100), drawn("good")]
    bad, good = run(model, images, tmp_path, OutputFormat.TIFF)
    assert bad.error is not None
    assert "long" in bad.error
    assert good.error is None
    assert (tmp_path / "good.tif").exists()


def test_rows_survive_a_batch_that_is_stopped(model: Model, tmp_path: Path) -> None:
    outputs = BatchOutputs(tmp_path, (OutputFormat.RLE,), rows={"old": ["1 2"]})
    images = [drawn(name) for name in "abcdefgh"]
    steps = segment_images(model, images, outputs, SETTINGS)
    done = next(steps)
    assert not (tmp_path / RLE_NAME).exists()
    steps.close()  # as Ctrl-C does
    runs = read_rle_csv(tmp_path / RLE_NAME)
    assert list(runs)[:2] == ["old", "a"]
    assert len(runs["a"]) == done.n_nuclei > 0
    assert "h" not in runs


def test_a_batch_that_is_stopped_at_once_leaves_an_earlier_csv(
    model: Model, tmp_path: Path
) -> None:
    (tmp_path / RLE_NAME).write_text("earlier")

    def interrupt() -> StoredImage:
        raise KeyboardInterrupt

    steps = segment_images(
        model,
        [NamedImage("a", interrupt)],
        BatchOutputs(tmp_path, (OutputFormat.RLE,)),
        SETTINGS,
    )
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    assert (tmp_path / RLE_NAME).read_text() == "earlier"


def test_what_is_there_of_an_image_stays(model: Model, tmp_path: Path) -> None:
    done = {"a": {OutputFormat.TIFF}}
    formats = (OutputFormat.TIFF, OutputFormat.FEATURES)
    outputs = BatchOutputs(tmp_path, formats, done=done)
    list(segment_images(model, [drawn("a"), drawn("b")], outputs, SETTINGS))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a_nuclei.csv", "b.tif", "b_nuclei.csv"]


def test_a_result_among_images_is_passed_over(model: Model, tmp_path: Path) -> None:
    (result,) = run(model, [broken(OwnResultError("ours"))], tmp_path)
    assert result.is_own_result
    (result,) = run(model, [broken(ImageError("no"))], tmp_path)
    assert not result.is_own_result


PER_IMAGE = [kind for kind in OutputFormat if kind is not OutputFormat.RLE]


@pytest.mark.parametrize("kind", PER_IMAGE)
def test_a_result_that_appears_during_the_run_stays(
    model: Model, tmp_path: Path, kind: Any
) -> None:
    out = tmp_path / "out"
    images = [drawn("a"), drawn("b", 1), drawn("c", 2)]

    def plan(**options: bool) -> BatchOutputs:
        return plan_outputs(images, out, [kind], **options)

    outputs = plan()
    path = outputs.path_of("b", kind)
    file = path / "masks" / "b_0001.png" if kind is OutputFormat.DSB2018 else path
    file.parent.mkdir(parents=True)
    file.write_text("by somebody else")
    done = list(segment_images(model, images, outputs, SETTINGS))
    assert [image.error is None for image in done] == [True, False, True]
    assert f"{path}, which appeared during the run" in str(done[1].error)
    assert file.read_text() == "by somebody else"
    assert outputs.path_of("c", kind).exists()
    done = list(segment_images(model, images, plan(overwrite=True), SETTINGS))
    assert [image.error for image in done] == [None] * 3
    assert file.read_bytes() != b"by somebody else"


def test_a_csv_that_appears_during_the_run_stays(model: Model, tmp_path: Path) -> None:
    images = [drawn("a")]
    outputs = plan_outputs(images, tmp_path, [OutputFormat.RLE])
    (tmp_path / RLE_NAME).write_text("by somebody else")
    with pytest.raises(OutputError, match="which appeared during the run"):
        list(segment_images(model, images, outputs, SETTINGS))
    assert (tmp_path / RLE_NAME).read_text() == "by somebody else"


def test_a_table_is_written_again_by_the_run_that_made_it(tmp_path: Path) -> None:
    table = PredictionsTable(tmp_path / RLE_NAME, {}, may_replace=False)
    for name in "ab":
        table.add(name, ["1 2"])
        table.save()
    assert list(read_rle_csv(tmp_path / RLE_NAME)) == ["a", "b"]
