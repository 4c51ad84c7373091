"""Options that belong together are the fields of a frozen dataclass.

A command takes such a group whole; on the command line each of its fields is an
option.  Which groups there are stands beside the commands they serve.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from napari_unet_nuclei.core.settings.rules import help_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def setting_option(
    settings: type[DataclassInstance],
    name: str,
    default: str = "",
    *,
    flag: str | None = None,
    **more: Any,
) -> Any:
    """Make the option of a setting.

    Parameters
    ----------
    settings : type
        A dataclass whose fields carry help texts.
    name : str
        Of one of these fields.
    default : str
        What happens by default, where the default itself does not say so.
    flag : str, optional
        How it is typed, where that is not its name or there is no opposite of it.
    **more
        As for ``typer.Option``.

    Returns
    -------
    typer.models.OptionInfo
        For ``typing.Annotated``.
    """
    note = f"  [default: {default}]" if default else ""
    return typer.Option(
        *([] if flag is None else [flag]),
        help=help_of(settings, name) + note,
        show_default=not default,
        **more,
    )


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of its groups.

    Parameters
    ----------
    command : callable
        Takes everything by name; parameters annotated with a dataclass are groups.

    Returns
    -------
    callable
        The same command for Typer, with fields in the places of their groups.
    """
    kinds = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in kinds.items() if _is_group(kind)}

    @wraps(command)
    def call(**options: Any) -> None:
        filled = {
            name: kind(
                **{each.name: options.pop(each.name) for each in _fields_of(kind)}
            )
            for name, kind in groups.items()
        }
        command(**options, **filled)

    parameters = [
        option
        for parameter in inspect.signature(command).parameters.values()
        for option in _expand(parameter, kinds[parameter.name])
    ]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def _fields_of(group: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(group)


def _expand(parameter: inspect.Parameter, kind: Any) -> Iterator[inspect.Parameter]:
    """Yield the options of a group, or what is no group as it is."""
    if not _is_group(kind):
        yield parameter.replace(annotation=kind)
        return
    annotations = get_type_hints(kind, include_extras=True)
    for each in _fields_of(kind):
        is_required = each.default is dataclasses.MISSING
        yield inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if is_required else each.default,
            annotation=annotations[each.name],
        )
