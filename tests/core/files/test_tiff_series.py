"""Files of several images, and files that are part of a set."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.images import read_stored_image
from napari_unet_nuclei.core.files.tiff import count_series

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
UM = {"X": 0.5, "Y": 0.25}


def numbers(*shape: Any, dtype: Any = "u2") -> NDArray[Any]:
    return (np.arange(np.prod(shape)).reshape(shape) % 199).astype(dtype)


def series_of(*shapes: Any, kind: str = "plain", **options: Any) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file, ome=kind == "ome") as writer:
        for number, shape in enumerate(shapes):
            metadata = None if kind == "plain" else {"Name": f"image {number}"}
            writer.write(
                numbers(*shape), photometric="minisblack", metadata=metadata, **options
            )
    return file.getvalue()


@pytest.mark.parametrize("kind", ["plain", "shaped", "ome"])
@pytest.mark.parametrize("largest", [0, 1, 2])
def test_of_several_images_the_largest_is_read(
    kind: str, largest: int, tmp_path: Path
) -> None:
    shapes = [(9, 11), (13, 8), (9, 10)]
    shapes[largest] = (30, 41)
    content = series_of(*shapes, kind=kind)
    stored = read_stored_image(content, "a.tif")
    assert stored.pixels.shape == (30, 41)
    (note,) = stored.notes
    assert f"3 images: the largest was read, number {largest}" in note
    for number, shape in enumerate(shapes):
        assert (f"number {number}" in note) is True
        chosen = read_stored_image(content, "a.tif", series=number)
        assert (chosen.pixels.shape, chosen.notes) == (shape, ())
    with pytest.raises(ImageError, match=r"3 images in a\.tif, .* number 3\."):
        read_stored_image(content, "a.tif", series=3)
    (tmp_path / "a.tif").write_bytes(content)
    assert count_series(tmp_path / "a.tif") == 3


def test_the_images_of_a_file_have_sizes_of_their_own() -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file, ome=True) as writer:
        for number, shape in enumerate([(9, 11), (30, 41)]):
            size = {"PhysicalSizeX": 1 + number, "PhysicalSizeY": 2 + number}
            writer.write(numbers(*shape), metadata={"axes": "YX", **size})
    content = file.getvalue()
    for number in (0, 1):
        stored = read_stored_image(content, "a.tif", series=number)
        assert stored.calibration.sizes == {"X": 1 + number, "Y": 2 + number}


def test_many_images_are_not_all_named() -> None:
    content = series_of(*((9, 10 + number) for number in range(12)))
    (note,) = read_stored_image(content, "a.tif").notes
    assert note.count("number") == 6
    assert "and 6 more" in note


def test_a_pyramid_is_one_image(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        options = {"tile": (16, 16), "photometric": "minisblack"}
        writer.write(numbers(64, 96), subifds=2, **options)
        for step in (2, 4):
            writer.write(numbers(64 // step, 96 // step), subfiletype=1, **options)
    stored = read_stored_image(path)
    assert (stored.pixels.shape, stored.axes, stored.notes) == ((64, 96), "YX", ())
    assert count_series(path) == 1


@pytest.mark.parametrize(
    "content", [b"", b"II*\0", b"Dear colleague", numbers(9).tobytes()]
)
def test_what_is_no_tiff_counts_as_one_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    assert count_series(tmp_path / "a.tif") == 1
    assert count_series(tmp_path / "none.tif") == 1


def write_set(
    folder: Path,
    places: list[tuple[int, ...]],
    sizes: dict[str, int],
    n_files: int,
    pages_a_file: int = 1,
) -> None:
    """Write an OME set; ``places`` are the T, Z, C of its pages, file by file."""
    ids = [f"urn:uuid:0000000{number}" for number in range(n_files)]
    planes = "".join(
        f'<TiffData FirstT="{t}" FirstZ="{z}" FirstC="{c}" IFD="{i % pages_a_file}" '
        f'PlaneCount="1"><UUID FileName="{i // pages_a_file}.ome.tif">'
        f"{ids[i // pages_a_file]}</UUID></TiffData>"
        for i, (t, z, c) in enumerate(places)
    )
    lengths = " ".join(f'Size{axis}="{n}"' for axis, n in sizes.items())
    for number, own_id in enumerate(ids):
        xml = (
            f'<?xml version="1.0"?><OME xmlns="{OME}" UUID="{own_id}">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
            f'Type="uint16" SizeX="7" SizeY="6" {lengths} PhysicalSizeX="0.5" '
            f'PhysicalSizeY="0.25">{planes}</Pixels></Image></OME>'
        )
        pages = numbers(pages_a_file, 6, 7) + number
        tifffile.imwrite(
            folder / f"{number}.ome.tif",
            pages,
            photometric="minisblack",
            description=xml,
            metadata=None,
        )


def test_a_file_of_a_set_stands_for_its_own_pages(tmp_path: Path) -> None:
    write_set(tmp_path, [(0, 0, c) for c in range(3)], {"C": 3, "Z": 1, "T": 1}, 3)
    (tmp_path / "1.ome.tif").rename(tmp_path / "alone.tif")
    for number, name in enumerate(["0.ome.tif", "alone.tif", "2.ome.tif"]):
        stored = read_stored_image(tmp_path / name)
        np.testing.assert_array_equal(stored.pixels, numbers(6, 7) + number)
        assert stored.axes == "YX"
        assert stored.calibration.sizes == UM
        (note,) = stored.notes
        assert "one of a set of 3 files: it was read by itself" in note


@pytest.mark.parametrize(
    ("places", "sizes", "axes"),
    [
        ([(0, z, c) for c in range(2) for z in range(4)], "CZ", "ZYX"),
        ([(t, 0, c) for c in range(2) for t in range(4)], "CT", "TYX"),
        ([(0, z, c) for z in range(2) for c in range(4)], "ZC", "CYX"),
    ],
)
def test_the_pages_of_a_file_of_a_set_have_an_axis(
    tmp_path: Path, places: list[tuple[int, ...]], sizes: str, axes: str
) -> None:
    lengths = {"C": 1, "Z": 1, "T": 1} | {sizes[0]: 2, sizes[1]: 4}
    write_set(tmp_path, places, lengths, n_files=2, pages_a_file=4)
    for number in (0, 1):
        stored = read_stored_image(tmp_path / f"{number}.ome.tif")
        assert stored.axes == axes
        np.testing.assert_array_equal(stored.pixels, numbers(4, 6, 7) + number)


def test_pages_of_a_set_may_have_two_axes(tmp_path: Path) -> None:
    places = [(t, z, 0) for t in range(4) for z in range(2)]
    write_set(tmp_path, places, {"C": 1, "Z": 2, "T": 4}, n_files=2, pages_a_file=4)
    stored = read_stored_image(tmp_path / "1.ome.tif")
    assert (stored.axes, stored.pixels.shape) == ("TZYX", (2, 2, 6, 7))


def position(size: float, shape: tuple[int, ...], data: str, **lengths: Any) -> str:
    """Describe an image of pixels of a size, and where its pages are."""
    lengths = {"SizeZ": 1, "SizeC": 1, "SizeT": 1} | lengths
    attributes = " ".join(f'{name}="{length}"' for name, length in lengths.items())
    return (
        '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
        f'Type="uint16" SizeX="{shape[1]}" SizeY="{shape[0]}" {attributes} '
        f'PhysicalSizeX="{size}" PhysicalSizeY="{size}">{data}</Pixels></Image>'
    )


def pages_in(number: int, attributes: str = "") -> str:
    name = f'<UUID FileName="p{number}.ome.tif">id{number}</UUID>'
    return f"<TiffData {attributes}>{name}</TiffData>"


def write_file(path: Path, images: list[str], own_id: str | None, *shapes: Any) -> None:
    own_id = "" if own_id is None else f'UUID="{own_id}"'
    xml = f'<?xml version="1.0"?><OME xmlns="{OME}" {own_id}>{"".join(images)}</OME>'
    with tifffile.TiffWriter(path) as writer:
        for number, shape in enumerate(shapes):
            writer.write(
                numbers(*shape),
                photometric="minisblack",
                description=None if number else xml,
                metadata=None,
            )


def three_positions(
    n_pages: int, sizes: tuple[float, ...] = (0.1, 0.2, 0.3)
) -> list[str]:
    attributes = f'IFD="0" PlaneCount="{n_pages}"' if n_pages > 1 else ""
    return [
        position(size, (6, 7), pages_in(number, attributes), SizeZ=n_pages)
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(("n_pages", "axes"), [(1, "YX"), (3, "ZYX")])
@pytest.mark.parametrize(
    ("name", "own_id"),
    [("p{}.ome.tif", "id{}"), ("p{}.ome.tif", None), ("renamed{}.tif", "id{}")],
)
def test_a_position_of_a_set_has_its_own_size_and_axes(
    tmp_path: Path, n_pages: int, axes: str, name: str, own_id: str | None
) -> None:
    for number, size in enumerate([0.1, 0.2, 0.3]):
        path = tmp_path / name.format(number)
        own = own_id and own_id.format(number)
        write_file(path, three_positions(n_pages), own, (n_pages, 6, 7))
        stored = read_stored_image(path)
        assert stored.axes == axes
        assert stored.calibration.sizes == {"X": size, "Y": size}
        (note,) = stored.notes
        assert "one of a set of 3 files: it was read by itself" in note


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((0.1, 0.2, 0.3), {}), ((0.2, 0.2, 0.2), {"X": 0.2, "Y": 0.2})],
)
@pytest.mark.parametrize(
    ("name", "own_id"),
    [
        ("renamed.tif", None),  # nothing says which of the three it is
        ("p1.ome.tif", "id0"),  # two things say it, and not the same
    ],
)
def test_a_position_that_is_not_known_has_what_all_have(
    tmp_path: Path,
    sizes: tuple[float, ...],
    expected: dict[Any, Any],
    name: str,
    own_id: str | None,
) -> None:
    write_file(tmp_path / name, three_positions(1, sizes), own_id, (6, 7))
    stored = read_stored_image(tmp_path / name)
    assert stored.calibration.sizes == expected
    (note,) = stored.notes
    assert "one of a set of 3 files" in note


@pytest.mark.parametrize(
    ("sizes", "expected"), [((0.1, 0.2), {}), ((0.2, 0.2), {"X": 0.2, "Y": 0.2})]
)
@pytest.mark.parametrize("own_id", ["id0", "id1"])
def test_pages_of_two_positions_are_no_axis(
    tmp_path: Path, sizes: tuple[float, ...], expected: dict[Any, Any], own_id: str
) -> None:
    channels = [
        "".join(pages_in(c, f'FirstC="{c}" IFD="{ifd}"') for c in range(2))
        for ifd in range(2)
    ]
    images = [
        position(size, (6, 7), data, SizeC=2)
        for size, data in zip(sizes, channels, strict=True)
    ]
    write_file(tmp_path / "a.tif", images, own_id, (2, 6, 7))
    stored = read_stored_image(tmp_path / "a.tif")
    assert (stored.axes, stored.pixels.shape) == (None, (2, 6, 7))
    assert stored.calibration.sizes == expected
    (note,) = stored.notes
    assert "one of a set of 2 files" in note


def test_positions_of_two_shapes_in_a_file_of_a_set_are_two_images(
    tmp_path: Path,
) -> None:
    images = [
        position(0.3, (5, 5), pages_in(1)),
        position(0.1, (6, 7), pages_in(0, 'IFD="0" PlaneCount="2"'), SizeT=2),
        position(0.2, (8, 9), pages_in(0, 'IFD="2" PlaneCount="3"'), SizeZ=3),
    ]
    path = tmp_path / "p0.ome.tif"
    write_file(path, images, "id0", (2, 6, 7), (3, 8, 9))
    for series, (size, axes) in enumerate([(0.1, "TYX"), (0.2, "ZYX")]):
        stored = read_stored_image(path, series=series)
        assert stored.axes == axes
        assert stored.calibration.sizes == {"X": size, "Y": size}
        (note,) = stored.notes
        assert "one of a set of 2 files" in note


@pytest.mark.parametrize("own_id", [None, "id7"])
def test_a_file_that_is_no_set_may_be_renamed(
    tmp_path: Path, own_id: str | None
) -> None:
    images = [
        position(0.1, (6, 7), pages_in(0, 'IFD="0" PlaneCount="3"'), SizeZ=3),
        position(0.2, (8, 9), pages_in(0, 'IFD="3" PlaneCount="2"'), SizeT=2),
    ]
    write_file(tmp_path / "a.tif", images, own_id, (3, 6, 7), (2, 8, 9))
    for series, (size, axes) in enumerate([(0.1, "ZYX"), (0.2, "TYX")]):
        stored = read_stored_image(tmp_path / "a.tif", series=series)
        assert (stored.axes, stored.notes) == (axes, ())
        assert stored.calibration.sizes == {"X": size, "Y": size}
