"""Which values a setting may have, and its texts: the metadata of its field.

Settings are frozen dataclasses.  Each field carries its help text and, where there
is one, its range; the dataclasses check themselves with these, and the command line
and the widgets take their texts and limits from here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

_HELP, _RANGE = "help", "range"


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers that a setting may be; a limit that is ``None`` is none.

    Parameters
    ----------
    at_least, at_most : float, optional
        Limits that are part of the range.
    above, below : float, optional
        Limits that are not.
    multiple_of : int, optional
        What must divide the number.
    sentence : str
        What is expected.  ``{name}`` stands for the setting, ``{at_least}`` and the
        like for the limits.
    """

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    multiple_of: int | None = None
    sentence: str = "The {name} must be {at_least} or more."

    def __contains__(self, value: float) -> bool:
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.multiple_of is None or value % self.multiple_of == 0)
        )

    def describe(self, name: str) -> str:
        """Return the sentence that says what a setting of this name must be."""
        return self.sentence.format(name=name.replace("_", " "), **vars(self))


def describe(help_text: str, allowed: Range | None = None) -> Mapping[str, Any]:
    """Return the metadata of a field.

    Parameters
    ----------
    help_text : str
        What the setting does, in a sentence or two, for people who set it.
    allowed : Range, optional
        Numbers that it may be; ``None`` may always be where it is the default.

    Returns
    -------
    mapping
        For ``dataclasses.field(metadata=…)``.
    """
    return {_HELP: help_text, _RANGE: allowed}


def help_of(settings: type[DataclassInstance], name: str) -> str:
    """Return the help text of a setting."""
    return str(_metadata(settings, name)[_HELP])


def range_of(settings: type[DataclassInstance], name: str) -> Range:
    """Return the range of a setting that has one."""
    allowed = _metadata(settings, name)[_RANGE]
    if not isinstance(allowed, Range):
        raise LookupError(f"{settings.__name__}.{name} has no range")
    return allowed


def _metadata(settings: type[DataclassInstance], name: str) -> Mapping[str, Any]:
    return next(each.metadata for each in fields(settings) if each.name == name)


def check_fields(settings: DataclassInstance) -> None:
    """Check each setting alone: numbers against their range, choices by their type.

    Raises
    ------
    SettingsError
        For the first that is out of range, or not a member of the ``StrEnum`` that
        its default belongs to.
    """
    for each in fields(settings):
        value, allowed = getattr(settings, each.name), each.metadata.get(_RANGE)
        if value is None and each.default is None:
            continue
        if isinstance(each.default, StrEnum):
            _check_choice(each.name, value, type(each.default))
        if allowed is not None and value not in allowed:
            raise SettingsError(
                f"{allowed.describe(each.name)} Received: {{{each.name}}}",
                **{each.name: value},
            )


def _check_choice(name: str, value: object, kind: type[StrEnum]) -> None:
    if not isinstance(value, kind):
        remedy = f"; give {kind.__name__}({value!r})" if value in [*kind] else ""
        raise SettingsError(
            f"{name} must be of {kind.__name__}: {', '.join(kind)}. Received: "
            f"{value!r}{remedy}"
        )
