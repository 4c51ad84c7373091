"""How far a long job is: what its generators yield."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TileDone:
    """Progress of a prediction.

    Parameters
    ----------
    n_done, n_tiles : int
        Tiles finished, and tiles in all.
    """

    n_done: int
    n_tiles: int

    @property
    def fraction(self) -> float:
        """Part that is done."""
        return self.n_done / self.n_tiles


@dataclass(frozen=True)
class PlaneDone:
    """Progress of splitting the maps of a stack.

    Parameters
    ----------
    n_done, n_planes : int
        Planes finished, and planes in all.
    """

    n_done: int
    n_planes: int

    @property
    def fraction(self) -> float:
        """Part that is done."""
        return self.n_done / self.n_planes


@dataclass(frozen=True)
class PlaneMeasured:
    """Progress of measuring the nuclei of a stack.

    Parameters
    ----------
    n_done, n_planes : int
        Planes finished, and planes in all.
    """

    n_done: int
    n_planes: int

    @property
    def fraction(self) -> float:
        """Part that is done."""
        return self.n_done / self.n_planes


@dataclass(frozen=True)
class Preparing:
    """Something has begun that cannot say how far it is.

    Parameters
    ----------
    what : str
        What it is, such as ``"Loading the model"``.
    """

    what: str
