"""Which tile of a plane to annotate next: the question, and its answer in a worker.

What the window does with the tile belongs in ``annotate_next``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.progress import Preparing
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.lazy import ArrayLike
    from napari_unet_nuclei.core.progress import PlaneDone, TileDone
    from napari_unet_nuclei.core.proposals.proposing import ProposedTile, Survey

    Steps = Generator[Preparing | TileDone | PlaneDone, None, ProposedTile | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class TileRequest:
    """What is known when the next tile is asked for.

    Parameters
    ----------
    image : array_like
        Pixels of the layer.
    axes : str
        Their axes.
    channel : int, optional
        The channel that shows the nuclei.
    plane : tuple of int
        The plane that is shown, by its place along each axis before Y and X.
    painted : (Y, X) ndarray of bool
        Where nuclei are painted in that plane.
    done : (Y, X) ndarray of bool
        Where all of it is annotated, or is not wanted.
    start : Path
        Model that will be fine-tuned.
    """

    image: ArrayLike
    axes: str
    channel: int | None
    plane: tuple[int, ...]
    painted: NDArray[np.bool_]
    done: NDArray[np.bool_]
    start: Path


class TileSearch:
    """Finds tiles; what the model makes of a plane is kept for the next one."""

    def __init__(self) -> None:
        # The image is kept with its survey, or another could get its number.
        self._kept: tuple[Hashable, ArrayLike, Survey] | None = None

    def iter_tile(self, request: TileRequest) -> Steps:
        """Find the next tile.

        Parameters
        ----------
        request : TileRequest
            Where to look.

        Yields
        ------
        Preparing, TileDone, PlaneDone
            While the model sees the plane for the first time.

        Returns
        -------
        ProposedTile or None
            ``None`` where all is annotated.  Painted nuclei outside of what is done
            only count as long as there are other tiles: they may be the result of a
            model.

        Raises
        ------
        ImageError, ModelError, EngineError
            If the image or the model cannot be used.
        """
        survey = yield from self._iter_survey(request)
        for annotated in (request.done | request.painted, request.done):
            if tiles := survey.propose(annotated, 1):
                return tiles[0]
        return None

    def _iter_survey(
        self, request: TileRequest
    ) -> Generator[Preparing | TileDone | PlaneDone, None, Survey]:
        from napari_unet_nuclei.core.proposals.proposing import iter_survey
        from napari_unet_nuclei.core.segmentation.model import load_model

        written = request.start.stat().st_mtime_ns
        plane = request.axes, request.channel, request.plane
        key = id(request.image), *plane, request.start, written
        if self._kept is None or self._kept[0] != key:
            self._kept = None  # its memory is needed
            yield Preparing("Loading the model")
            # Keras must not come into the process of napari.
            model = load_model(request.start, EngineName.OPENVINO)
            stack = PlaneStack(request.image, request.axes, request.channel)
            pixels = stack.only(request.plane).single_plane()
            survey = yield from iter_survey(model, pixels)
            self._kept = key, request.image, survey
        return self._kept[2]
