"""How large a pixel is: what files and layers say of it, in one form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Distances between the pixels of an image.

    Parameters
    ----------
    sizes : mapping of str to float
        Distance between two neighbours along an axis out of T, Z, Y, X; what is not
        known is left out.
    unit : str, optional
        ASCII name of the unit along Z, Y and X, such as ``"um"``.
    time_unit : str, optional
        ASCII name of the unit along T, such as ``"s"``.
    """

    sizes: Mapping[str, float] = field(default_factory=dict)
    unit: str | None = None
    time_unit: str | None = None
