"""Fields of a group are options of a command, which takes the group whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from napari_unet_nuclei.cli.app import app
from napari_unet_nuclei.cli.option_groups import setting_option, with_option_groups
from napari_unet_nuclei.core.settings.rules import describe


@dataclass(frozen=True, kw_only=True)
class Recipe:
    n_steps: int = field(default=3, metadata=describe("Steps to take."))
    rate: float | None = field(default=None, metadata=describe("How fast."))


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    name: Annotated[str, typer.Option(help="Has no default.")]
    n_steps: Annotated[int, setting_option(Recipe, "n_steps")] = Recipe.n_steps
    rate: Annotated[
        float | None, setting_option(Recipe, "rate", "what suits", flag="--speed")
    ] = Recipe.rate


@pytest.fixture
def taken() -> list[tuple[str, RecipeOptions, bool]]:
    return []


@pytest.fixture
def command(taken: list[tuple[str, RecipeOptions, bool]]) -> typer.Typer:
    small = typer.Typer(add_completion=False, rich_markup_mode="markdown")

    @small.command()
    @with_option_groups
    def cook(
        *,
        dish: Annotated[str, typer.Argument()],
        recipe: RecipeOptions,
        salted: Annotated[bool, typer.Option("--salted")] = False,
    ) -> None:
        """Cook a dish."""
        taken.append((dish, recipe, salted))

    return small


def call(command: typer.Typer, *words: str) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(command, words)
    return result.exit_code, result.output


def test_a_group_is_filled_and_the_rest_is_handed_on(
    command: typer.Typer, taken: list[tuple[str, RecipeOptions, bool]]
) -> None:
    assert call(command, "soup", "--name", "a")[0] == 0
    words = ("soup", "--name", "b", "--n-steps", "7", "--speed", "0.5", "--salted")
    assert call(command, *words)[0] == 0
    assert taken == [
        ("soup", RecipeOptions(name="a"), False),
        ("soup", RecipeOptions(name="b", n_steps=7, rate=0.5), True),
    ]


def test_a_field_without_default_must_be_given(command: typer.Typer) -> None:
    code, text = call(command, "soup")
    assert code == 2
    assert "--name" in text


def test_help_comes_from_the_settings(command: typer.Typer) -> None:
    code, text = call(command, "--help")
    assert code == 0
    for words in (
        "Cook a dish.",
        "Steps to take.",
        "[default: 3]",
        "How fast.",
        "[default: what suits]",
        "--salted",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("train", {"--start-weight", "--from", "--split", "--events", "--debug"}),
        ("segment", {"--threshold", "--ids", "--axes", "--output", "--debug"}),
        ("evaluate", {"--ids", "--split", "--worst", "--json"}),
        ("insights", {"--ids", "--split", "--seed"}),
    ],
)
def test_commands_have_the_options_of_their_groups(
    name: str, options: set[str]
) -> None:
    parameters = typer.main.get_command(app).commands[name].params
    assert options <= {option for each in parameters for option in each.opts}
