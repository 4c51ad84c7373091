"""Tiles of an image from which a model would learn most, if they were annotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.errors import LabelsError, SettingsError
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.images.lazy import as_array_like
from napari_unet_nuclei.core.instances.labels import IGNORED, check_labels
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.proposals.candidates import find_candidates
from napari_unet_nuclei.core.proposals.choice import choose_tiles
from napari_unet_nuclei.core.proposals.uncertainty import (
    measure_looks,
    measure_uncertainty,
)
from napari_unet_nuclei.core.segmentation.memory import explained
from napari_unet_nuclei.core.segmentation.model import Model, load_model
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation
from napari_unet_nuclei.core.settings.choices import DEFAULT_MODEL
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.progress import PlaneDone, TileDone
    from napari_unet_nuclei.core.proposals.candidates import Box, Candidates

DEFAULT_TILE_SIZE = 256
"""Side in px of a proposed tile: a crop of training, and some minutes of painting."""

_SMALLEST_TILE = 64  # px


@dataclass(frozen=True, kw_only=True, eq=False)
class ProposedTile:
    """A part of an image that is worth annotating.

    Parameters
    ----------
    top, left : int, in px
        Its first row and column in the image.
    uncertainty : float in [0, 1]
        How unsure the model is of what may be nuclei there: their mean entropy in bits.
    novelty : float in [0, 1]
        How unlike it looks to tiles proposed before it, and to those annotated.
    found : (height, width) ndarray of int32
        The nuclei that the model finds in it, as a start for corrections; 0 =
        background.
    """

    top: int
    left: int
    uncertainty: float
    novelty: float
    found: NDArray[np.int32]

    @property
    def box(self) -> Box:
        """Its rows and columns, to index the image with."""
        height, width = self.found.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def n_found(self) -> int:
        """How many nuclei the model finds in it."""
        return int(np.unique(self.found[self.found > 0]).size)


def propose_tiles(
    image: ArrayLike,
    model: str | Path | Model = DEFAULT_MODEL,
    labels: NDArray[np.integer] | None = None,
    *,
    n_tiles: int = 3,
    tile_size: int = DEFAULT_TILE_SIZE,
) -> list[ProposedTile]:
    """Propose which parts of an image to annotate next.

    Parameters
    ----------
    image : (Y, X) or (Y, X, 3|4) array
        One plane.  Of one larger than some 3000² px an even sample of tiles is seen.
    model : str, Path or Model
        Model that is to be fine-tuned, by name or path, or a loaded one.
    labels : (Y, X) array of int, optional
        What is annotated already: all that is not -1 or, where nothing is -1, the
        nuclei.  No tile that holds some of it is proposed.
    n_tiles : int
        How many tiles at most.
    tile_size : int, in px
        Side of a tile, 64 or more; the side of the image where that is shorter.

    Returns
    -------
    list of ProposedTile
        The best first: the model is unsure of nuclei in it, and it looks unlike those
        before it and what is annotated.  They do not overlap.  Empty where no tile is
        left.  The same in every run.

    Raises
    ------
    ImageError, LabelsError, SettingsError, ModelError, EngineError
        If the image, the labels, a setting, the model or the engine cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> rows, columns = np.ogrid[:128, :256]
    >>> image = 200.0 * (np.hypot(rows - 60, columns - 40) < 12)
    >>> image += 9 * np.hypot(rows % 20 - 10, columns % 20 - 10) * (columns > 128)
    >>> tiles = propose_tiles(image, "classic", n_tiles=1, tile_size=128)
    >>> tiles[0].left >= 64, tiles[0].found.shape, image[tiles[0].box].shape
    (True, (128, 128), (128, 128))
    """
    loaded = model if isinstance(model, Model) else load_model(model)
    image = as_array_like(image)
    annotated = _find_annotated(labels, tuple(image.shape[:2]))
    return exhaust(iter_survey(loaded, image, tile_size)).propose(annotated, n_tiles)


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """What a model makes of all tiles of an image, to propose some again and again.

    Parameters
    ----------
    tiles : Candidates
        The tiles, N of them.
    uncertainty : (N,) ndarray of float64, values in [0, 1]
        How unsure the model is in each.
    looks : (N, features) ndarray of float64
        What each looks like.
    nuclei : (Y, X) ndarray of int32
        What it finds in the pixels that it has seen.
    """

    tiles: Candidates
    uncertainty: NDArray[np.float64]
    looks: NDArray[np.float64]
    nuclei: NDArray[np.int32]

    def propose(
        self, annotated: NDArray[np.bool_], n_tiles: int = 3
    ) -> list[ProposedTile]:
        """Propose tiles, at once; see `propose_tiles`.

        Parameters
        ----------
        annotated : (Y, X) ndarray of bool
            Which pixels of the image are annotated.
        n_tiles : int
            How many tiles at most.

        Returns
        -------
        list of ProposedTile
            The best first.
        """
        if n_tiles < 1:
            raise SettingsError(
                "The number of tiles must be 1 or more. Received: {n_tiles}",
                n_tiles=n_tiles,
            )
        tiles = self.tiles
        places = [tiles.place(number) for number in range(len(tiles.places))]
        parts = np.array([annotated[place].mean() for place in places])
        chosen = choose_tiles(tiles, self.uncertainty, self.looks, parts, n_tiles)
        return [
            ProposedTile(
                top=int(tiles.places[number, 0]),
                left=int(tiles.places[number, 1]),
                uncertainty=float(self.uncertainty[number]),
                novelty=novelty,
                found=self.nuclei[tiles.seen(number)].copy(),
            )
            for number, novelty in chosen
        ]


def iter_survey(
    model: Model, image: ArrayLike, tile_size: int = DEFAULT_TILE_SIZE
) -> Generator[TileDone | PlaneDone, None, Survey]:
    """Let a model see the tiles of an image; see `propose_tiles`.

    Yields
    ------
    TileDone, PlaneDone
        As :func:`~napari_unet_nuclei.core.segmentation.stacks.iter_segmentation`.

    Returns
    -------
    Survey
        What it makes of them.
    """
    if tile_size < _SMALLEST_TILE:
        raise SettingsError(
            f"The tile size must be {_SMALLEST_TILE} px or more. Received: "
            "{tile_size}",
            tile_size=tile_size,
        )
    image = as_array_like(image)
    tiles = find_candidates(image, tile_size)
    with explained():
        stack = PlaneStack(tiles.pixels, "YXC"[: tiles.pixels.ndim])
        settings = SegmentationSettings()
        seen = yield from iter_segmentation(model, stack, settings, keeps_maps=True)
        maps = seen.maps[0]
        uncertainty = measure_uncertainty(maps.foreground, tiles)
        return Survey(
            tiles=tiles._replace(pixels=tiles.pixels[:0]),  # not needed any more
            uncertainty=uncertainty,
            looks=measure_looks(maps, tiles, uncertainty),
            nuclei=seen.labels,
        )


def _find_annotated(
    labels: NDArray[np.integer] | None, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return which pixels are annotated, as labels say it."""
    if labels is None:
        return np.zeros(shape, bool)
    checked = check_labels(labels, may_ignore=True)
    if checked.shape != shape:
        raise LabelsError(
            f"Expected labels as large as the image, {shape}. Received: "
            f"{checked.shape}; choose the labels that belong to the image."
        )
    is_ignored = checked == IGNORED
    return ~is_ignored if is_ignored.any() else checked > 0
