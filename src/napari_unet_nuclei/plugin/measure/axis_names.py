"""What columns of the table are called along the axes of a plot: with their unit."""

from __future__ import annotations

import re

_POWERS = {
    **dict.fromkeys(("perimeter", "diameter"), ""),
    **dict.fromkeys(("centroid_z", "centroid_y", "centroid_x"), ""),
    **dict.fromkeys(("area", "ring_area"), "²"),
    "volume": "³",
}
_MEASURED = re.compile(rf"(?P<what>{'|'.join(_POWERS)})(?:_(?P<unit>[a-z]+)[23]?)?")
_SPELLED = {None: "px", "um": "µm", "angstrom": "Å"}


def name_axis(column: str) -> str:
    """Return the name of a column with its unit, if it is one of this package.

    Parameters
    ----------
    column : str
        Name of a column.

    Returns
    -------
    str
        The name itself where it has no unit, or nobody knows it.

    Examples
    --------
    >>> name_axis("area_um2"), name_axis("diameter"), name_axis("solidity")
    ('area (µm²)', 'diameter (px)', 'solidity')
    """
    if column == "orientation":
        return f"{column} (rad)"
    match = _MEASURED.fullmatch(column)
    if match is None:
        return column
    what, unit = match["what"], match["unit"]
    return f"{what} ({_SPELLED.get(unit, unit)}{_POWERS[what]})"
