"""Which image labels belong to, and how sure that is.

What the labels say themselves comes first, then shape and place.  Names of layers are
only a hint: users change them.  What is asked about a pair is in ``pair_line``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.plugin.layers import full_resolution, image_axes, image_shape
from napari_unet_nuclei.plugin.placement import axes_of_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Image, Labels, Layer

_SAME = 0.25  # px by which corners may differ, as rounded scales of files do


class Verdict(IntEnum):
    """How sure it is that labels belong to an image."""

    IMPOSSIBLE = 0
    DOUBTFUL = 1
    PLAUSIBLE = 2
    CERTAIN = 3


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """An image and labels, and whether they belong together.

    Parameters
    ----------
    verdict : Verdict
        How sure that is.
    reason : str
        Why, in a sentence.
    """

    verdict: Verdict
    reason: str


def pair(image: Image, labels: Labels, images: Iterable[Image] = ()) -> Pairing:
    """Say whether labels belong to an image.

    Parameters
    ----------
    image : napari.layers.Image
        The image.
    labels : napari.layers.Labels
        The labels.
    images : iterable of napari.layers.Image
        All images that are open, of which another may be the right one.

    Returns
    -------
    Pairing
        *Certain* where the labels say so, *impossible* where their size does not fit,
        *plausible* where they have the size and place of this image alone, else
        *doubtful*.
    """
    others = [each for each in images if each.unique_id != image.unique_id]
    if (misfit := _misfit(image, labels)) is not None:
        return Pairing(verdict=Verdict.IMPOSSIBLE, reason=misfit)
    origin = _origin(image, labels, others)
    if origin is not None:
        return origin
    if not _is_in_place(image, labels):
        return Pairing(
            verdict=Verdict.DOUBTFUL,
            reason=f"{labels.name!r} has the size of {image.name!r} but not its place: "
            "scale, position or rotation differ.",
        )
    rivals = [each for each in others if _fits(each, labels)]
    if rivals and not _is_named_after(image, labels, rivals):
        return Pairing(
            verdict=Verdict.DOUBTFUL,
            reason=f"{labels.name!r} fits {rivals[0].name!r} as well as "
            f"{image.name!r}.",
        )
    return Pairing(
        verdict=Verdict.PLAUSIBLE,
        reason=f"{labels.name!r} has the size and place of {image.name!r}.",
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
    return _best([(pair(image, labels, images), image) for image in images])


def labels_of(
    image: Image, labels: Iterable[Labels], images: Iterable[Image]
) -> Labels | None:
    """Return the labels that most likely belong to an image; see `image_of`."""
    images = list(images)
    return _best([(pair(image, each, images), each) for each in labels])


def _best(pairs: list[tuple[Pairing, Any]]) -> Layer | None:
    good = [each for each in pairs if each[0].verdict >= Verdict.PLAUSIBLE]
    if not good:
        return None
    # Of equals, the last is the topmost.
    return max(reversed(good), key=lambda each: each[0].verdict)[1]


def _misfit(image: Image, labels: Labels) -> str | None:
    """Say why the labels cannot be those of the image, if they cannot."""
    try:
        axes = image_axes(image)[: image.ndim]
    except ImageError as error:
        return str(error)
    size = dict(zip(axes, image_shape(image), strict=False))
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
        f"{labels.name!r} ({_spell(shape)}) does not fit {image.name!r} "
        f"({_spell([size[axis] for axis in axes])}): choose the image these labels "
        "belong to, or select that image alone and press New labels."
    )


def _spell(shape: Iterable[int]) -> str:
    return " × ".join(f"{length:,}" for length in shape)


def _origin(image: Image, labels: Labels, others: list[Image]) -> Pairing | None:
    """Compare with what the labels say of where they come from, if they do."""
    said, known = labels.metadata, image.metadata
    certain = Pairing(
        verdict=Verdict.CERTAIN, reason=f"{labels.name!r} comes from {image.name!r}."
    )
    image_id = said.get("image_id")
    if image_id == str(image.unique_id):
        return certain
    for other in others:
        if image_id is not None and image_id == str(other.unique_id):
            return _doubt_origin(image, labels, other.name)
    for other in others:
        if not _has_same_origin(image, said) and _has_same_origin(other, said):
            return _doubt_origin(image, labels, other.name)
    if "sample_id" in known and "sample_id" in said:
        if _is_same_sample(known, said):
            return certain
        # The id of a file that was opened is only its name.
        if "data_set" in said or labels.source.path is None:
            return _doubt_origin(image, labels, str(said["sample_id"]))
    if "image_path" in said and image.source.path is not None:
        if said["image_path"] == image.source.path:
            return certain
        return _doubt_origin(image, labels, str(said["image_path"]))
    return None


def _is_same_sample(known: Any, said: Any) -> bool:
    """Compare samples; only a file that was opened again has lost its data set."""
    if "sample_id" not in known or known["sample_id"] != said.get("sample_id"):
        return False
    sets = [each["data_set"] for each in (known, said) if "data_set" in each]
    return len(set(sets)) <= 1


def _has_same_origin(image: Image, said: Any) -> bool:
    path = image.source.path
    is_same_file = path is not None and said.get("image_path") == path
    return is_same_file or _is_same_sample(image.metadata, said)


def _doubt_origin(image: Image, labels: Labels, origin: str) -> Pairing:
    return Pairing(
        verdict=Verdict.DOUBTFUL,
        reason=f"{labels.name!r} comes from {origin!r}, not from {image.name!r}.",
    )


def _fits(image: Image, labels: Labels) -> bool:
    return _misfit(image, labels) is None and _is_in_place(image, labels)


def _is_in_place(image: Image, labels: Labels) -> bool:
    """Tell whether the corners of labels are those of pixels of the image."""
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
                is_same = -_SAME < found[axis] < size[axis] - 1 + _SAME
            else:
                is_same = abs(found[axis] - place) < _SAME
            if not is_same:
                return False
    return _has_same_units(image, labels, where)


def _has_same_units(image: Image, labels: Labels, where: list[int]) -> bool:
    of_image = [str(image.units[index]) for index in where]
    return of_image == [str(unit) for unit in labels.units]


def _is_named_after(image: Image, labels: Labels, rivals: list[Image]) -> bool:
    """Tell whether the labels have the name of this image and of no other."""
    names = [labels.name.casefold()]
    if labels.source.path is not None:
        names.append(Path(labels.source.path).stem.casefold())

    def length(layer: Image) -> int:
        own = [layer.name.casefold()]
        if layer.source.path is not None:
            own.append(Path(layer.source.path).stem.casefold())
        return max(
            (len(each) for each in own if any(name.startswith(each) for name in names)),
            default=0,
        )

    return length(image) > max(map(length, rivals))
