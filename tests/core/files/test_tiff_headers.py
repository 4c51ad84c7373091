"""What files of many programs say, and what is understood of it."""

from __future__ import annotations

import io
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.images import read_image, read_stored_image

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
UM = {"X": 0.5, "Y": 0.25}
RESOLUTION = (2, 4)  # pixels a micrometre


def numbers(*shape: Any, dtype: str = "u2") -> NDArray[Any]:
    return (np.arange(np.prod(shape)).reshape(shape) % 199).astype(dtype)


def encode(array: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def imagej(
    *shape: Any, axes: Any, resolution: Any = RESOLUTION, **metadata: Any
) -> Any:
    dtype = "u1" if axes.endswith("S") else "u2"
    metadata = {"axes": axes, **metadata}
    return encode(
        numbers(*shape, dtype=dtype),
        imagej=True,
        resolution=resolution,
        metadata=metadata,
    )


def ome(
    *shape: Any, axes: str, photometric: Any = "minisblack", **metadata: Any
) -> bytes:
    dtype = "u1" if "S" in axes else "u2"
    metadata = {"axes": axes, **metadata}
    return encode(
        numbers(*shape, dtype=dtype),
        ome=True,
        photometric=photometric,
        metadata=metadata,
    )


def shaped(*shape: Any, axes: Any = None, **metadata: Any) -> Any:
    metadata = metadata if axes is None else {"axes": axes, **metadata}
    return encode(numbers(*shape), photometric="minisblack", metadata=metadata)


def plain(*shape: Any, description: bytes | str | None = None, **options: Any) -> bytes:
    options = {"photometric": "minisblack", "metadata": None, **options}
    return encode(numbers(*shape), description=description, **options)


@pytest.mark.parametrize(
    ("content", "axes", "shape"),
    [
        (imagej(6, 7, axes="YX"), "YX", (6, 7)),
        (imagej(3, 6, 7, axes="ZYX"), "ZYX", (3, 6, 7)),
        (imagej(3, 6, 7, axes="TYX"), "TYX", (3, 6, 7)),
        (imagej(2, 6, 7, axes="CYX"), "CYX", (2, 6, 7)),
        (imagej(4, 3, 2, 6, 7, axes="TZCYX"), "TZCYX", (4, 3, 2, 6, 7)),
        (imagej(3, 6, 7, 3, axes="ZYXS"), "ZYXS", (3, 6, 7, 3)),
        (ome(6, 7, axes="YX"), "YX", (6, 7)),
        (ome(4, 2, 6, 7, axes="TCYX"), "TCYX", (4, 2, 6, 7)),
        (ome(6, 7, 3, axes="YXS", photometric="rgb"), "YXS", (6, 7, 3)),
        (shaped(6, 7), "YX", (6, 7)),
        (shaped(1, 6, 7), "YX", (6, 7)),
        (shaped(1, 1, 6, 7, 1), "YX", (6, 7)),
        (shaped(5, 6, 7, axes="ZYX"), "ZYX", (5, 6, 7)),
        (shaped(1, 5, 6, 7, axes="CTYX"), "TYX", (5, 6, 7)),
        (plain(6, 7), "YX", (6, 7)),
        (plain(6, 7, bigtiff=True, byteorder=">"), "YX", (6, 7)),
        (plain(6, 7, 3, photometric="rgb"), "YXS", (6, 7, 3)),
        # Nobody has said what the pages are, or in a word that nothing here knows.
        (shaped(5, 6, 7), None, (5, 6, 7)),
        (plain(5, 6, 7), None, (5, 6, 7)),
        (shaped(5, 6, 7, axes="AYX"), None, (5, 6, 7)),
        # ImageJ describes simple stacks by their length alone.
        (plain(5, 6, 7, description="ImageJ=1.5\nimages=5\n"), None, (5, 6, 7)),
        (
            plain(5, 6, 7, description="ImageJ=1.5\nimages=5\nspacing=2\n"),
            "ZYX",
            (5, 6, 7),
        ),
        (
            plain(5, 6, 7, description="ImageJ=1.5\nimages=5\nfinterval=2\n"),
            "TYX",
            (5, 6, 7),
        ),
    ],
)
def test_axes_are_those_of_the_header(
    content: bytes, axes: str | None, shape: tuple[Any, ...]
) -> None:
    stored = read_stored_image(content, "a.tif")
    assert stored.axes == axes
    assert stored.pixels.shape == shape
    assert stored.notes == ()
    np.testing.assert_array_equal(stored.pixels.ravel() % 199, numbers(*shape).ravel())


def test_colour_stored_as_planes_says_so() -> None:
    image = numbers(6, 7, 3, dtype="u1")
    content = encode(
        np.moveaxis(image, -1, 0), photometric="rgb", planarconfig="separate"
    )
    stored = read_stored_image(content, "a.tif")
    assert stored.axes == "SYX"
    np.testing.assert_array_equal(stored.pixels, np.moveaxis(image, -1, 0))
    np.testing.assert_array_equal(read_image(content, "a.tif"), image)


def test_axes_follow_the_colours_of_a_palette_and_of_alpha() -> None:
    colours = np.zeros((3, 256), np.uint16)
    colours[0] = np.arange(256) * 257
    stack = numbers(5, 6, 7, dtype="u1")
    content = encode(
        stack, photometric="palette", colormap=colours, metadata={"axes": "ZYX"}
    )
    stored = read_stored_image(content, "a.tif")
    assert (stored.axes, stored.pixels.shape) == ("ZYXS", (5, 6, 7, 3))
    content = encode(
        numbers(6, 7, 2, dtype="u1"),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    stored = read_stored_image(content, "a.tif")
    assert (stored.axes, stored.pixels.shape) == ("YX", (6, 7))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u4", "u8", "f2", "f4", "f8", "?"])
def test_any_type_of_number_is_read(dtype: str) -> None:
    image = numbers(6, 7, dtype="u1").astype(dtype)
    stored = read_stored_image(encode(image, photometric="minisblack"), "a.tif")
    assert (stored.axes, stored.pixels.dtype) == ("YX", image.dtype)
    np.testing.assert_array_equal(stored.pixels, image)


@pytest.mark.parametrize(
    ("content", "sizes", "unit", "time_unit"),
    [
        (imagej(6, 7, axes="YX", unit="um"), UM, "um", None),
        (imagej(6, 7, axes="YX", unit="micron"), UM, "um", None),
        (imagej(6, 7, axes="YX", unit="\\u00B5m"), UM, "um", None),
        (imagej(6, 7, axes="YX", unit="nm"), UM, "nm", None),
        (imagej(6, 7, axes="YX", unit="inch"), UM, "in", None),
        (imagej(6, 7, axes="YX", unit="pixel"), {}, None, None),
        (imagej(6, 7, axes="YX"), {}, None, None),
        (imagej(6, 7, axes="YX", unit="um", resolution=(0, 0)), {}, None, None),
        (
            imagej(3, 6, 7, axes="ZYX", unit="um", spacing=2.0),
            UM | {"Z": 2},
            "um",
            None,
        ),
        (
            imagej(3, 6, 7, axes="ZYX", unit="\\u03BCm", spacing=-2.0),
            UM | {"Z": 2},
            "um",
            None,
        ),
        (
            imagej(3, 6, 7, axes="TYX", unit="um", finterval=1.5),
            UM | {"T": 1.5},
            "um",
            "s",
        ),
        (imagej(3, 6, 7, axes="TYX", finterval=1.5), {"T": 1.5}, None, "s"),
        (
            ome(6, 7, axes="YX", PhysicalSizeX=0.5, PhysicalSizeY=0.25),
            UM,
            "um",
            None,
        ),
        (
            ome(
                *(3, 6, 7),
                axes="ZYX",
                PhysicalSizeX=0.5,
                PhysicalSizeXUnit="mm",
                PhysicalSizeY=250,
                PhysicalSizeYUnit="µm",
                PhysicalSizeZ=3000.0,
                PhysicalSizeZUnit="nm",
            ),
            UM | {"Z": 0.003},
            "mm",
            None,
        ),
        (
            ome(3, 6, 7, axes="TYX", TimeIncrement=2, TimeIncrementUnit="min"),
            {"T": 2},
            None,
            "min",
        ),
        (
            ome(6, 7, axes="YX", PhysicalSizeX=1, PhysicalSizeXUnit="pixel"),
            {},
            None,
            None,
        ),
        (ome(6, 7, axes="YX", PhysicalSizeX=-1, PhysicalSizeY=0), {}, None, None),
        (
            shaped(3, 6, 7, axes="ZYX", PhysicalSizeX=0.5, PhysicalSizeY=0.25),
            UM,
            "um",
            None,
        ),
        (
            encode(
                numbers(3, 6, 7),
                photometric="minisblack",
                resolution=RESOLUTION,
                metadata={"axes": "ZYX", "unit": "um", "spacing": 2.0},
            ),
            UM | {"Z": 2},
            "um",
            None,
        ),
        (
            plain(6, 7, resolution=(20_000, 40_000), resolutionunit="CENTIMETER"),
            UM,
            "um",
            None,
        ),
        (
            plain(6, 7, resolution=(50_800, 101_600), resolutionunit="INCH"),
            UM,
            "um",
            None,
        ),
        # What photographs and scans say is no size of what they show.
        (plain(6, 7, resolution=(72, 72), resolutionunit="INCH"), {}, None, None),
        (plain(6, 7, resolution=(300, 300), resolutionunit="INCH"), {}, None, None),
        (
            plain(6, 7, resolution=(118, 118), resolutionunit="CENTIMETER"),
            {},
            None,
            None,
        ),
        (plain(6, 7, resolution=(2, 4), resolutionunit="NONE"), {}, None, None),
        (
            plain(
                *(64, 64),
                tile=(16, 16),
                description="Aperio Image Library v1\n64x64|AppMag = 20|MPP = 0.2500",
            ),
            {"X": 0.25, "Y": 0.25},
            "um",
            None,
        ),
    ],
)
def test_pixel_sizes_are_those_of_the_header(
    content: bytes, sizes: dict[Any, Any], unit: str | None, time_unit: str | None
) -> None:
    calibration = read_stored_image(content, "a.tif").calibration
    assert calibration.sizes == pytest.approx(sizes)
    assert (calibration.unit, calibration.time_unit) == (unit, time_unit)


@pytest.mark.parametrize(
    ("content", "channels"),
    [
        (
            ome(2, 6, 7, axes="CYX", Channel={"Name": ["DAPI", "GFP"]}),
            ("DAPI", "GFP"),
        ),
        (imagej(2, 6, 7, axes="CYX", Labels=["DAPI", "GFP"]), ("DAPI", "GFP")),
        (imagej(2, 6, 7, axes="CYX"), ()),
        (imagej(2, 6, 7, axes="ZYX", Labels=["1/2", "2/2"]), ()),
        (ome(2, 6, 7, axes="CYX"), ()),
    ],
)
def test_channels_have_the_names_of_the_header(
    content: bytes, channels: tuple[Any, ...]
) -> None:
    assert read_stored_image(content, "a.tif").channels == channels


@pytest.mark.parametrize("damage", [b"<OME", b"SizeX", b"DimensionOrder", b"Physical"])
def test_a_damaged_description_does_no_harm(damage: bytes) -> None:
    content = ome(6, 7, axes="YX", PhysicalSizeX=0.5, PhysicalSizeY=0.25)
    damaged = content.replace(damage, b"#" * len(damage), 1)
    try:
        stored = read_stored_image(damaged, "a.tif")
    except ImageError:
        return
    np.testing.assert_array_equal(stored.pixels, numbers(6, 7))


@pytest.mark.parametrize(
    ("announced", "hostile"),
    [
        (b'SizeZ="3"', b'SizeZ="999999999"'),
        (b'PlaneCount="3"', b'PlaneCount="999999999"'),
        (b'SizeC="1" SizeZ="3"', b'SizeC="9999" SizeZ="9999"'),
    ],
)
def test_a_number_in_a_header_does_not_take_all_memory(
    announced: bytes, hostile: bytes
) -> None:
    content = ome(3, 6, 7, axes="ZYX")
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        xml = tiff.ome_metadata.encode()
    assert announced in xml
    content = plain(3, 6, 7, description=xml.replace(announced, hostile))
    tracemalloc.start()
    try:
        with pytest.raises(
            ImageError, match=r"planes in a\.tif. Received: a header th"
        ):
            read_image(content, "a.tif")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "sizes", ['SizeC="0" SizeZ="0" SizeT="0"', 'SizeC="-1" SizeZ="1" SizeT="x"', ""]
)
def test_sizes_that_make_no_sense_do_no_harm(sizes: str) -> None:
    xml = (
        f'<?xml version="1.0"?><OME xmlns="{OME}" UUID="urn:uuid:1">'
        f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" {sizes}>'
        "<TiffData/></Pixels></Image></OME>"
    )
    try:
        stored = read_stored_image(plain(6, 7, description=xml), "a.tif")
    except ImageError:
        return
    np.testing.assert_array_equal(stored.pixels, numbers(6, 7))


def test_a_file_that_refers_to_its_metadata_elsewhere_is_read() -> None:
    xml = (
        f'<?xml version="1.0"?><OME xmlns="{OME}" UUID="urn:uuid:1">'
        '<BinaryOnly MetadataFile="a.companion.ome" UUID="urn:uuid:2"/></OME>'
    )
    stored = read_stored_image(plain(6, 7, description=xml), "a.ome.tif")
    np.testing.assert_array_equal(stored.pixels, numbers(6, 7))
    assert stored.axes == "YX"


def test_raw_photographs_are_refused() -> None:
    content = encode(numbers(6, 8), photometric="cfa")
    with pytest.raises(ImageError, match=r"a\.dng with CFA colours"):
        read_image(content, "a.dng")
