"""Which image labels belong to, and with what confidence.

The metadata of the labels come first, then size and position.  Names of layers are
only a hint: users change them.  What is asked about a pair is in ``pair_line``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.plugin.shared.layer_axes import (
    full_resolution,
    image_axes,
    image_shape,
)
from napari_unet_nuclei.plugin.shared.placement import axes_of_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari.layers import Image, Labels, Layer

_MAX_NAME = 40  # letters of a name in a sentence
_TOLERANCE = 0.25  # px between corners, because files round their scales


class Confidence(IntEnum):
    """How likely it is that labels belong to an image."""

    IMPOSSIBLE = 0
    DOUBTFUL = 1
    PLAUSIBLE = 2
    CERTAIN = 3


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """An image and labels, and whether they belong together.

    Parameters
    ----------
    confidence : Confidence
        How likely that is.
    reason : str
        Why, in a sentence.
    """

    confidence: Confidence
    reason: str


def pair(
    image: Image, labels: Labels, images: Iterable[Image] = (), *, level: int = 0
) -> Pairing:
    """Return whether labels belong to an image.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        The labels.
    images : iterable of napari.layers.Image
        All images that are open, of which another may be the right one.
    level : int
        The resolution of the image that the labels may have, from 0, the finest.

    Returns
    -------
    Pairing
        *Certain* where the labels say so, *impossible* where their size does not fit,
        *plausible* where they have the size and position of this image alone, else
        *doubtful*.
    """
    others = [each for each in images if each.unique_id != image.unique_id]
    if (misfit := _misfit(image, labels, level)) is not None:
        return Pairing(confidence=Confidence.IMPOSSIBLE, reason=misfit)
    origin = _origin(image, labels, others)
    if origin is not None:
        return origin
    if not _is_in_place(image, labels):
        return Pairing(
            confidence=Confidence.DOUBTFUL,
            reason=f"These labels have the size of {_quote(image)} but not its "
            "position: scale, translation or rotation differ.",
        )
    # Another image does not count if the name of the labels fits this one better.
    own = _shared_name(image, labels)
    for other in others:
        if _shared_name(other, labels) >= own and _fits(other, labels):
            return Pairing(
                confidence=Confidence.DOUBTFUL,
                reason=f"These labels fit {_quote(other)} as well as {_quote(image)}.",
            )
    return Pairing(
        confidence=Confidence.PLAUSIBLE,
        reason=f"These labels have the size and position of {_quote(image)}.",
    )


def image_of(labels: Labels, images: Iterable[Image]) -> Image | None:
    """Return the image that labels most likely belong to.

    Parameters
    ----------
    labels : napari.layers.Labels
        The labels.
    images : iterable of napari.layers.Image
        Those that are open.

    Returns
    -------
    napari.layers.Image or None
        The topmost of the best; ``None`` where each is doubtful or impossible.
    """
    images = list(images)
    return _best(images, lambda image: pair(image, labels, images))


def labels_of(
    image: Image, labels: Iterable[Labels], images: Iterable[Image]
) -> Labels | None:
    """Return the labels that most likely belong to an image; see `image_of`."""
    images = list(images)
    return _best(list(labels), lambda each: pair(image, each, images))


def _best(layers: list[Any], pair_up: Callable[[Any], Pairing]) -> Any:
    """Return the topmost layer that is certain, else the topmost plausible one."""
    plausible = None
    for layer in reversed(layers):
        match pair_up(layer).confidence:
            case Confidence.CERTAIN:
                return layer
            case Confidence.PLAUSIBLE if plausible is None:
                plausible = layer
    return plausible


def _misfit(image: Image, labels: Labels, level: int = 0) -> str | None:
    """Return why the labels cannot belong to the image, ``None`` if they can."""
    try:
        axes = image_axes(image)[: image.ndim]
    except ImageError as error:
        return str(error)
    size = dict(zip(axes, image_shape(image, level), strict=False))
    of_labels = axes_of_labels(image, labels)
    shape = full_resolution(labels.data, is_multiscale=labels.multiscale).shape
    if of_labels is not None:
        lengths = dict(zip(of_labels, shape, strict=True))
        if all(
            length == size[axis] or (length == 1 and axis not in "YX")
            for axis, length in lengths.items()
        ):
            return None
    return (
        f"These labels ({_spell(shape)}) do not fit {_quote(image)} "
        f"({_spell([size[axis] for axis in axes])}): choose the image they belong to, "
        "or select this image alone and press New labels."
    )


def _quote(image: Image) -> str:
    """Return the name of an image, cut in the middle where it is very long."""
    name = image.name
    return repr(name if len(name) <= _MAX_NAME else f"{name[:20]}…{name[-15:]}")


def _spell(shape: Iterable[int]) -> str:
    return " × ".join(f"{length:,}" for length in shape)


def _origin(image: Image, labels: Labels, others: list[Image]) -> Pairing | None:
    """Compare with the origin that the metadata of the labels name, if they do."""
    said, known = labels.metadata, image.metadata
    certain = Pairing(
        confidence=Confidence.CERTAIN, reason=f"These labels come from {_quote(image)}."
    )
    image_id = said.get("image_id")
    if image_id == str(image.unique_id):
        return certain
    for other in others:
        if image_id is not None and image_id == str(other.unique_id):
            return _doubt_origin(image, _quote(other))
    for other in others:
        if not _has_same_origin(image, said) and _has_same_origin(other, said):
            return _doubt_origin(image, _quote(other))
    if "sample_id" in known and "sample_id" in said:
        if _is_same_sample(known, said):
            return certain
        # The id of a file that was opened is only its name.
        if "data_set" in said or labels.source.path is None:
            return _doubt_origin(image, repr(said["sample_id"]))
    if "image_path" in said and image.source.path is not None:
        if said["image_path"] == image.source.path:
            return certain
        return _doubt_origin(image, repr(said["image_path"]))
    closed = _name_of_closed(labels)
    return None if closed in (None, image.name) else _doubt_origin(image, repr(closed))


def _name_of_closed(labels: Labels) -> str | None:
    """Return the name of the image that labels were made from, if it is not open."""
    said = labels.metadata
    if "image_id" in said:
        return str(said["image"]) if "image" in said else None
    is_only_a_file = "data_set" not in said and labels.source.path is not None
    return None if is_only_a_file or "sample_id" not in said else str(said["sample_id"])


def _is_same_sample(known: Any, said: Any) -> bool:
    """Compare samples; a file that was opened again no longer names its data set."""
    if "sample_id" not in known or known["sample_id"] != said.get("sample_id"):
        return False
    sets = [each["data_set"] for each in (known, said) if "data_set" in each]
    return len(set(sets)) <= 1


def _has_same_origin(image: Image, said: Any) -> bool:
    path = image.source.path
    is_same_file = path is not None and said.get("image_path") == path
    return is_same_file or _is_same_sample(image.metadata, said)


def _doubt_origin(image: Image, origin: str) -> Pairing:
    return Pairing(
        confidence=Confidence.DOUBTFUL,
        reason=f"These labels come from {origin}, not from {_quote(image)}.",
    )


def _fits(image: Image, labels: Labels) -> bool:
    return _misfit(image, labels) is None and _is_in_place(image, labels)


def _is_in_place(image: Image, labels: Labels) -> bool:
    """Return whether the corners of the labels lie on pixels of the image."""
    of_labels = axes_of_labels(image, labels) or ""
    axes = image_axes(image)[: image.ndim]
    size = dict(zip(axes, image_shape(image), strict=False))
    shape = full_resolution(labels.data, is_multiscale=labels.multiscale).shape
    where = [axes.index(axis) for axis in of_labels]
    first = np.zeros(len(of_labels))
    last = np.asarray(shape, float) - 1
    corners = [first, last, *(last * np.eye(len(last)))]
    for corner in corners:
        world = np.asarray(image.data_to_world(np.zeros(image.ndim)), float)
        world[where] = labels.data_to_world(corner)
        found = dict(zip(axes, image.world_to_data(world), strict=True))
        for axis, place, length in zip(of_labels, corner, shape, strict=True):
            if axis == "C":
                continue
            if length == 1 and axis in "TZ":  # a single plane, anywhere in the stack
                is_same = -_TOLERANCE < found[axis] < size[axis] - 1 + _TOLERANCE
            else:
                is_same = abs(found[axis] - place) < _TOLERANCE
            if not is_same:
                return False
    return _has_same_units(image, labels, where)


def _has_same_units(image: Image, labels: Labels, where: list[int]) -> bool:
    of_image = [str(image.units[index]) for index in where]
    return of_image == [str(unit) for unit in labels.units]


def _shared_name(image: Image, labels: Labels) -> int:
    """Return the length of the name of an image that labels are named after, or 0."""
    names = [name.casefold() for name in _names(labels)]
    return max(
        (
            len(own)
            for own in _names(image)
            if any(name.startswith(own.casefold()) for name in names)
        ),
        default=0,
    )


def _names(layer: Layer) -> list[str]:
    path = layer.source.path
    return [layer.name] if path is None else [layer.name, Path(path).stem]
