from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

pytest.importorskip("zarr")
pytest.importorskip("pyarrow")


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, draw_nuclei(3, (300, 420), 90)[0])
    return path


def test_an_image_becomes_ome_zarr_and_a_second_run_has_nothing_to_do(
    run: Callable[..., Any], slide: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.zarr"
    options = [slide, "-o", output, "--model", "classic", "--block-side", 256]
    first = run("segment", *options)
    assert first.exit_code == 0, first.output
    assert "nuclei in 4 blocks" in first.output
    assert "out.zarr/labels/nuclei" in first.output
    again = run("segment", *options)
    assert "complete already" in again.output
    other = run("segment", *options, "--threshold", 0.3)
    assert other.exit_code == 1
    assert "begun with threshold unset" in other.output
    named = run("segment", *options, "--labels-name", "strict", "--threshold", 0.7)
    assert named.exit_code == 0, named.output

    import zarr

    group = zarr.open_group(output / "labels", mode="r")
    assert sorted(group.attrs["ome"]["labels"]) == ["nuclei", "strict"]
    numbers = [int(np.max(group[name]["0"][:])) for name in ("nuclei", "strict")]
    assert numbers[0] >= numbers[1] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "out", "--workers", 2], "an output that ends in .zarr, with --workers"),
        (["-o", "out.zarr", "--format", "png"], "no --format with"),
        (["-o", "out.zarr", "--axes", "YX"], "Expected no --axes with out.zarr"),
        (["-o", "out.zarr", "--report"], "Expected no --report with out.zarr"),
        (["other.tif", "-o", "out.zarr"], "one image for out.zarr. Received: 2"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    run: Callable[..., Any], slide: Path, options: list[Any], said: str
) -> None:
    result = run("segment", slide, *options)
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())
    assert not list(slide.parent.glob("out*"))


def write_plate(path: Path, fields: list[str]) -> None:
    import zarr

    zarr.open_group(path, mode="w").attrs["ome"] = {
        "version": "0.5",
        "plate": {"wells": [{"path": field.rpartition("/")[0]} for field in fields]},
    }
    space = [{"name": name, "type": "space"} for name in "yx"]
    for number, field in enumerate(fields):
        well, _, name = field.rpartition("/")
        zarr.open_group(path / well, mode="w").attrs["ome"] = {
            "version": "0.5",
            "well": {"images": [{"path": name}]},
        }
        group = zarr.open_group(path / field, mode="w")
        pixels = draw_nuclei(number, (150, 160), 12)[0]
        array = group.create_array(
            "0", shape=pixels.shape, dtype=pixels.dtype, dimension_names=("y", "x")
        )
        array[:] = pixels
        scale = {"type": "scale", "scale": [1, 1]}
        datasets = [{"path": "0", "coordinateTransformations": [scale]}]
        multiscale = {"axes": space, "datasets": datasets}
        group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}


def test_a_plate_of_six_wells_goes_through_past_a_bad_one(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    import zarr

    plate = tmp_path / "plate.zarr"
    fields = [f"{row}/{column}/0" for row in "AB" for column in (1, 2, 3)]
    write_plate(plate, fields)
    metadata = plate / "B/2/0/zarr.json"
    whole = metadata.read_text()
    metadata.write_text(whole.replace("multiscales", "nothing"))
    options = ["segment", plate, "-o", plate, "--model", "classic"]
    result = run(*options)
    assert result.exit_code == 1
    assert "1 could not be segmented" in result.output
    assert "B/2/0: Expected an OME-Zarr image" in result.output
    metadata.write_text(whole)
    again = run(*options)
    assert again.exit_code == 0, again.output
    assert again.output.count("complete already") == 5
    for field in fields:
        labels = zarr.open_array(plate / field / "labels/nuclei/0", mode="r")
        assert 0 < int(np.max(labels[:])) <= 12


def test_a_folder_of_ome_zarr_says_what_output_it_needs(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    write_plate(tmp_path / "plate.zarr", ["A/1/0"])
    plate = tmp_path / "plate.zarr"
    result = run("segment", plate, "-o", tmp_path / "results", "--model", "classic")
    assert result.exit_code == 1
    assert "Name an output that ends in .zarr" in " ".join(result.output.split())


@pytest.mark.parametrize(
    "name", ["../../x", "a/b", "..", ".hidden", "__x", "x" * 200, "a\nb", "a."]
)
def test_labels_are_not_called_as_another_folder(
    run: Callable[..., Any], slide: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "out" / "out.zarr"
    options = ["--model", "classic", "--labels-name", name]
    result = run("segment", slide, "-o", output, *options)
    assert result.exit_code == 1
    assert "Expected a name of labels" in result.output
    assert "--labels-name" in result.output
    assert sorted(tmp_path.iterdir()) == [slide]
