"""The directive ``commands``: what ``--help`` says, as sections of a page.

It reads the Typer application, so that names, defaults and sentences stand in one
place.  Typer changes its own classes now and then; used here is what they share with
Click: the help of a command, its usage, and the help record of each parameter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer
from sphinx.ext.autodoc.mock import mock
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

# Such as "[default: tiff]", "[required]" and "[default: 0; x>=0]".
_REMARK = re.compile(r"\s*\[(?:default: )?(?P<remark>[^\];]*)[^\]]*\]$")
_TYPE = re.compile(r" <[^>]*>$")


class Commands(SphinxDirective):
    """A section for each command of the program."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        with mock(self.config.autodoc_mock_imports):
            from napari_unet_nuclei.cli.app import app
        program = typer.main.get_command(app)
        lines = [
            line
            for name, command in program.commands.items()
            for line in describe(f"{program.name} {name}", name, command)
        ]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def describe(call: str, name: str, command: Any) -> list[str]:
    """Return the section of a command, in Markdown."""
    context = command.context_class(command, info_name=call)
    usage = command.get_usage(context).removeprefix("Usage: ")
    arguments, options = [], []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is None:  # a hidden option
            continue
        if parameter.param_type_name == "argument":
            arguments.append((_TYPE.sub("", record[0]), record[1]))
        else:
            options.append(record)
    return [
        *(f"## {name}", "", command.help, ""),
        *("```text", usage, "```", ""),
        *describe_parameters("argument", arguments),
        *describe_parameters("option", options),
    ]


def describe_parameters(kind: str, records: list[tuple[str, str]]) -> list[str]:
    """Return the table of all arguments, or of all options."""
    if not records:
        return []
    rows = [(kind, "default", "what it does"), ("---", "---", "---")]
    for spelled, text in records:
        remark = _REMARK.search(text)
        default = "" if remark is None else remark["remark"]
        rows.append((f"`{spelled}`", default, _REMARK.sub("", text)))
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [*("| " + " | ".join(row) + " |" for row in cells), ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
