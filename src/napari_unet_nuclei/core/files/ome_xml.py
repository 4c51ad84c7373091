"""The OME-XML in the header of a TIFF → axes, channels and pixel sizes.

Which pages belong to an image tifffile knows; here it is only read what they mean,
and which of the pages of a set of files lie in the file at hand.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from napari_unet_nuclei.core.images.calibration import Calibration, calibrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
_PLANES = re.compile(r"""\bSize[ZCT]\s*=\s*["']\s*\+?(\d{1,18})""")
_COUNTS = re.compile(r"""\b(?:PlaneCount|NumPlanes)\s*=\s*["']\s*\+?(\d{1,18})""")
_MOST_PAGES = 100_000  # of a file, so that a number alone does not take all memory


@dataclass(frozen=True, kw_only=True)
class OmeImage:
    """One image of an OME-XML.

    Parameters
    ----------
    name : str
        Its name, which may be empty.
    calibration : Calibration
        Pixel sizes, z spacing and time step.
    channels : tuple of str
        Names of its channels; empty unless each has one.
    sizes : mapping of str to int
        Lengths of the axes before Y and X, in the order of the pages.
    pages : mapping of int to tuple of int
        Where the pages in the file at hand belong along these axes, as far as that is
        said.
    n_files : int
        Over how many files the pages of all images of the XML are spread.
    """

    name: str
    calibration: Calibration
    channels: tuple[str, ...]
    sizes: Mapping[str, int]
    pages: Mapping[int, tuple[int, ...]]
    n_files: int

    def own_axes(self) -> tuple[str, tuple[int, ...]] | None:
        """Return the axes along which the pages in this file lie.

        Returns
        -------
        axes : str
            Of T, Z and C those along which there is more than one page.
        shape : tuple of int
            How many there are along each of them.
        """
        places = [self.pages[page] for page in sorted(self.pages)]
        lengths = [len(set(column)) for column in zip(*places, strict=True)]
        if not places or math.prod(lengths) != len(places) or places != sorted(places):
            return None
        several = [
            (axis, length)
            for axis, length in zip(self.sizes, lengths, strict=True)
            if length > 1
        ]
        axes = "".join(axis for axis, _ in several)
        return axes, tuple(length for _, length in several)


def count_planes(text: str) -> int:
    """Return how many planes an OME-XML announces at most, for any of its images.

    Parameters
    ----------
    text : str
        The XML, which may be damaged.

    Returns
    -------
    int
        What tifffile would make room for before it looks for them.
    """
    announced = [
        math.prod(int(number) for number in _PLANES.findall(pixels))
        for pixels in _PIXELS.findall(text)
    ]
    return max(
        [*announced, *(int(number) for number in _COUNTS.findall(text))], default=0
    )


def read_ome_xml(text: str, file_name: str) -> list[OmeImage]:
    """Return the images that an OME-XML describes.

    Parameters
    ----------
    text : str
        The XML.
    file_name : str
        Name of the file it stands in, without folders.

    Returns
    -------
    list of OmeImage
        Empty where the XML is damaged.
    """
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - tifffile has parsed it
        own, n_files = _find_own_file(root, file_name)
        return [
            _read_image(image, pixels, own, n_files)
            for image in _children(root, "Image")
            for pixels in _children(image, "Pixels")
        ]
    except (ElementTree.ParseError, LookupError, ValueError, ArithmeticError):
        return []


def choose_image(images: Sequence[OmeImage], pages: Set[int]) -> OmeImage | None:
    """Return what an OME-XML says about some pages of the file at hand.

    Parameters
    ----------
    images : sequence of OmeImage
        All images of the XML.
    pages : set of int
        The pages, counted from 0.

    Returns
    -------
    OmeImage or None
        The image that they belong to.  Where there are several, or the XML does not
        say which, an image without pages that knows what all of these have in common.
    """
    chosen = [image for image in images if not pages.isdisjoint(image.pages)]
    chosen = chosen or list(images)
    if len(chosen) < 2:
        return chosen[0] if chosen else None
    first, *others = chosen
    has_one_size = all(image.calibration == first.calibration for image in others)
    has_one_list = all(image.channels == first.channels for image in others)
    return replace(
        first,
        name="",
        calibration=first.calibration if has_one_size else Calibration(),
        channels=first.channels if has_one_list else (),
        pages={},
    )


def _read_image(
    image: ElementTree.Element,
    pixels: ElementTree.Element,
    own: Set[str | None],
    n_files: int,
) -> OmeImage:
    sizes = {
        f"{axis}": (_number(pixels, f"PhysicalSize{axis}"), _unit(pixels, axis))
        for axis in "XYZ"
    }
    step = _number(pixels, "TimeIncrement")
    sizes["T"] = (step, pixels.get("TimeIncrementUnit", "s"))
    channels = list(_children(pixels, "Channel"))
    names = tuple(channel.get("Name", "") for channel in channels)
    lengths = {
        axis: int(pixels.attrib[f"Size{axis}"])
        for axis in reversed(pixels.attrib["DimensionOrder"][2:])
    }
    n_samples = int(channels[0].get("SamplesPerPixel", 1)) if channels else 1
    lengths["C"] //= max(1, n_samples)
    return OmeImage(
        name=image.get("Name", ""),
        calibration=calibrate(sizes),
        channels=names if all(names) else (),
        sizes=lengths,
        pages=_own_pages(pixels, lengths, own),
        n_files=n_files,
    )


def _find_own_file(
    root: ElementTree.Element, file_name: str
) -> tuple[set[str | None], int]:
    """Return what the file at hand is called in its XML, and how many files there are.

    The identifier of the XML survives when a file gets another name.
    """
    own: set[str | None] = {None, root.get("UUID")}
    keys = set()
    for data in root.iter():
        if data.tag.rpartition("}")[2] == "TiffData":
            key, name = _file_of(data)
            keys.add(root.get("UUID") if key is None else key)
            if name and name.lower() == file_name.lower():
                own.add(key)
    if len(keys) == 1:  # whatever it was called once
        own |= keys
    return own, len(keys)


def _file_of(data: ElementTree.Element) -> tuple[str | None, str]:
    """Return identifier and name of the file that some pages lie in."""
    key, name = None, ""
    for uuid in _children(data, "UUID"):
        name = uuid.get("FileName", "")
        key = uuid.text or name or None
    return key, name


def _own_pages(
    pixels: ElementTree.Element, lengths: Mapping[str, int], own: Set[str | None]
) -> dict[int, tuple[int, ...]]:
    """Return where the pages in the file at hand belong."""
    pages: dict[int, tuple[int, ...]] = {}
    for data in _children(pixels, "TiffData"):
        if _file_of(data)[0] in own:
            pages |= _pages_of(data, lengths)
    return pages


def _pages_of(
    data: ElementTree.Element, lengths: Mapping[str, int]
) -> dict[int, tuple[int, ...]]:
    first = [int(data.get(f"First{axis}", 0)) for axis in lengths]
    start = 0
    for place, length in zip(first, lengths.values(), strict=True):
        start = start * length + place
    n_planes = math.prod(lengths.values())
    default = 1 if "IFD" in data.attrib else n_planes
    count = min(int(data.get("PlaneCount", default)), n_planes - start, _MOST_PAGES)
    page = int(data.get("IFD", 0))
    return {page + i: _place(start + i, lengths) for i in range(count)}


def _place(number: int, lengths: Mapping[str, int]) -> tuple[int, ...]:
    place = []
    for length in reversed(list(lengths.values())):
        number, rest = divmod(number, length)
        place.append(rest)
    return tuple(reversed(place))


def _children(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Yield the children of a name, whatever the version of the schema."""
    return (child for child in element if child.tag.rpartition("}")[2] == name)


def _number(element: ElementTree.Element, name: str) -> float:
    """Return a size, or 0 if there is no number."""
    try:
        return float(element.get(name, 0))
    except ValueError:
        return 0.0


def _unit(pixels: ElementTree.Element, axis: str) -> str:
    return pixels.get(f"PhysicalSize{axis}Unit", "um")
