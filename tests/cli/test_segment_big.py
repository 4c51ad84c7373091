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
        (["-o", "out.zarr", "--axes", "YX"], "no --axes with an output in OME-Zarr"),
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
