"""The commands of docs/earlier-projects.md exist, with the options they are given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from napari_unet_nuclei.cli.app import app

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "earlier-projects.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^(?:.*`)?(napari-unet-nuclei [^`\n]+)", PAGE, re.M)))


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 15


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_line_understands(line: str) -> None:
    program, name, *arguments = shlex.split(line)
    assert program == "napari-unet-nuclei"
    command = typer.main.get_command(app).commands[name]
    # Parses the options and converts their values, but runs nothing.
    context = command.make_context(name, arguments)
    assert context.params
