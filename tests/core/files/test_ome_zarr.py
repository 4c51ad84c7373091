from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.big_images import open_big_image
from napari_unet_nuclei.core.files.ome_zarr import open_ome_zarr
from napari_unet_nuclei.core.files.ome_zarr_labels import (
    OmeZarrLabels,
    label_chunk,
    pyramid_shapes,
)
from napari_unet_nuclei.core.files.ome_zarr_plates import find_fields
from napari_unet_nuclei.core.images.big_image import BigImage
from napari_unet_nuclei.core.images.calibration import Calibration

if TYPE_CHECKING:
    from pathlib import Path

zarr = pytest.importorskip("zarr")

PIXELS = np.arange(2 * 64 * 48, dtype=np.uint16).reshape(2, 1, 64, 48)
MICROMETRES = Calibration(sizes={"Y": 0.25, "X": 0.5}, unit="um")


def write(path: Path, zarr_format: int, **changed: Any) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    names = {"dimension_names": tuple("czyx")} if zarr_format == 3 else {}
    for level in range(2):
        pixels = PIXELS[..., :: 2**level, :: 2**level]
        array = group.create_array(
            str(level), shape=pixels.shape, chunks=(1, 1, 16, 32), dtype="u2", **names
        )
        array[:] = pixels
    space = {"type": "space", "unit": "micrometer"}
    multiscale = {
        "axes": [
            {"name": "c", "type": "channel"},
            *({"name": name, **space} for name in "zyx"),
        ],
        "datasets": [
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1, 2, 0.5 * 2**level, 0.5 * 2**level]}
                ],
            }
            for level in range(2)
        ],
        "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 0.5, 1]}],
        **changed,
    }
    if zarr_format == 3:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
    else:
        group.attrs["multiscales"] = [{**multiscale, "version": "0.4"}]
    return path


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_image_is_opened_with_its_scale_and_read_in_parts(
    tmp_path: Path, zarr_format: int
) -> None:
    path = write(tmp_path / "image.zarr", zarr_format)
    image = open_big_image(path, channel=1)
    assert image.shape == (64, 48)
    assert image.chunk_side == 32
    assert image.calibration.sizes == {"Z": 2, "Y": 0.25, "X": 0.5}
    assert image.calibration.unit == "um"
    assert np.array_equal(image.read(((3, 20), (5, 48))), PIXELS[1, 0, 3:20, 5:48])
    assert image.reduction == 2
    coarse = open_big_image(path, channel=1, level=1)
    assert coarse.shape == (32, 24)
    assert coarse.calibration.pixel_size() == (0.5, 1)
    assert coarse.identity["fingerprint"] != image.identity["fingerprint"]


def test_an_image_without_a_scale_has_none(tmp_path: Path) -> None:
    path = write(
        tmp_path / "image.zarr",
        3,
        datasets=[{"path": "0"}],
        coordinateTransformations=[],
    )
    image = open_ome_zarr(path, channel=0)
    assert image.calibration.sizes == {"Z": 1.0, "Y": 1.0, "X": 1.0}
    path = write(tmp_path / "other.zarr", 3, axes=[{"name": name} for name in "czyx"])
    assert open_ome_zarr(path, channel=0).calibration.pixel_size() is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"datasets": [{"path": "7"}]}, r"the level '7' of .*Received: none"),
        ({"datasets": 3}, "which is none"),
        ({"axes": [{"name": name} for name in "cqyx"]}, "with c, q, y, x"),
        ({"axes": None}, "which is none"),
    ],
)
def test_malformed_metadata_are_refused(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ImageError, match=said):
        open_ome_zarr(write(tmp_path / "image.zarr", 3, **changed), channel=0)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="which is not there"):
        open_big_image(tmp_path / "missing.zarr")
    two = write(tmp_path / "two.zarr", 3)  # three channels are colours, two are not
    with pytest.raises(ImageError, match="choose the one that shows"):
        open_ome_zarr(two)
    group = zarr.open_group(tmp_path / "plate.zarr", mode="w")
    group.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": "B/3"}]}}
    with pytest.raises(ImageError, match=r"the plate .*B/3/0"):
        open_ome_zarr(tmp_path / "plate.zarr")
    zarr.open_group(tmp_path / "set.zarr", mode="w").create_group("series")
    with pytest.raises(ImageError, match="holds series; name one"):
        open_ome_zarr(tmp_path / "set.zarr")
    with pytest.raises(ImageError, match=r"a level from 0 to 1 .*level=2"):
        open_ome_zarr(write(tmp_path / "image.zarr", 3), level=2, channel=0)
    (tmp_path / "text.txt").write_text("no image")
    with pytest.raises(ImageError, match="an OME-Zarr image or a TIFF"):
        open_big_image(tmp_path / "text.txt")


def write_labels(path: Path, *, in_image: bool) -> np.ndarray:
    labels = np.random.default_rng(0).integers(0, 9, (1030, 700)).astype(np.int32)
    target = OmeZarrLabels(path, "nuclei")
    n_levels = 2 if in_image else None
    target.create(labels.shape, 256, labels.dtype, n_levels)[:] = labels
    assert target.provenance() is None, "not described, not complete"
    list(target.iter_pyramid())
    target.describe(MICROMETRES, {"model": "resnet"}, in_image=in_image)
    assert target.provenance() == {"model": "resnet"}
    return labels


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_labels_pass_the_validator(tmp_path: Path, zarr_format: int) -> None:
    v04 = pytest.importorskip("ome_zarr_models.v04")
    v05 = pytest.importorskip("ome_zarr_models.v05")
    from pydantic_zarr import v2, v3

    version, specs = (v04, v2) if zarr_format == 2 else (v05, v3)
    kinds = version.Image, version.ImageLabel, version.Labels
    for kind in kinds:  # what it leaves undefined with later versions of pydantic
        kind.model_rebuild(_types_namespace=vars(specs))
    path = write(tmp_path / "image.zarr", zarr_format)
    labels = write_labels(path, in_image=True)
    for kind, name in zip(kinds, ("", "labels/nuclei", "labels"), strict=True):
        kind.from_zarr(zarr.open_group(path / name, mode="r"))
    found = version.ImageLabel.from_zarr(zarr.open_group(path / "labels/nuclei"))
    assert list(found.members) == ["0", "1"]
    group = zarr.open_group(path / "labels/nuclei", mode="r")
    assert np.array_equal(group["1"][:], labels[::2, ::2])


def test_labels_can_be_opened_as_an_image(tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "out.zarr", in_image=False)
    image = open_big_image(tmp_path / "out.zarr/labels/nuclei")
    assert np.array_equal(image.read(((0, 1030), (0, 700))), labels)
    assert image.calibration.pixel_size() == (0.25, 0.5)
    listed = zarr.open_group(tmp_path / "out.zarr/labels").attrs["ome"]
    assert listed == {"version": "0.5", "labels": ["nuclei"]}


def test_sizes_of_chunks_and_levels() -> None:
    assert [label_chunk(side) for side in (4096, 4000, 256, 2048)] == [
        *(1024, 1000, 256, 1024)
    ]
    assert pyramid_shapes((100, 512)) == [(100, 512)]
    assert pyramid_shapes((1025, 3)) == [(1025, 3), (513, 2), (257, 1)]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_image_without_levels_is_refused(tmp_path: Path, zarr_format: int) -> None:
    path = write(tmp_path / "image.zarr", zarr_format, datasets=[])
    with pytest.raises(ImageError, match="no levels"):
        open_big_image(path)


@pytest.mark.parametrize("field", ["../../../other.zarr", "/etc", ".", "0/../..", ""])
@pytest.mark.parametrize("is_well", [True, False])
def test_a_plate_does_not_lead_out_of_itself(
    tmp_path: Path, field: str, is_well: bool
) -> None:
    path = tmp_path / "plate.zarr"
    plate = zarr.open_group(path, mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": [{"path": "A/1" if is_well else field}]}
    well = zarr.open_group(path / "A" / "1", mode="w", zarr_format=2)
    well.attrs["well"] = {"images": [{"path": field}]}
    with pytest.raises(ImageError, match="no path within it"):
        find_fields(path)


def test_pixels_that_are_true_or_false_are_read_as_numbers(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path, mode="w", zarr_format=2)
    array = group.create_array("0", shape=(8, 9), chunks=(8, 8), dtype=bool)
    array[2:5] = True
    part = BigImage(pixels=array, axes="YX").read(((0, 8), (0, 9)))
    assert part.dtype == np.uint8
    assert part.sum() == 27
