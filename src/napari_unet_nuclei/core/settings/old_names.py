"""Settings of training that had other names, which files and scripts still hold."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OLD_NAMES: Mapping[str, str] = MappingProxyType({"keep": "start_weight"})
"""Names of today by those that they had, in state files and on the command line."""


def with_current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored settings under the names that they have now.

    Parameters
    ----------
    values : mapping
        Settings by name, as a file of any version has them.

    Returns
    -------
    dict
        The same, in the same order.
    """
    return {OLD_NAMES.get(name, name): value for name, value in values.items()}
