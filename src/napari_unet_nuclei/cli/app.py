"""The Typer application: which commands there are."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from napari_unet_nuclei import __version__
from napari_unet_nuclei.cli.demo import demo
from napari_unet_nuclei.cli.download import download
from napari_unet_nuclei.cli.ensemble import ensemble
from napari_unet_nuclei.cli.evaluate import evaluate
from napari_unet_nuclei.cli.export_bioimageio import export_bioimageio
from napari_unet_nuclei.cli.import_model import import_model
from napari_unet_nuclei.cli.info import info
from napari_unet_nuclei.cli.insights import insights
from napari_unet_nuclei.cli.interrupts import STOPPED
from napari_unet_nuclei.cli.reporting import messages
from napari_unet_nuclei.cli.rerun import rerun
from napari_unet_nuclei.cli.segment import segment
from napari_unet_nuclei.cli.train import train
from napari_unet_nuclei.cli.wording import current_option

# Typer has a copy of Click's own; what it raises derives from this.
_ClickError: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="napari-unet-nuclei",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    *(demo, segment, rerun, train, evaluate),
    *(insights, ensemble, download, info),
):
    app.command(context_settings={"token_normalize_func": current_option})(command)
app.command("import")(import_model)
app.command()(export_bioimageio)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _describe(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Segment cell nuclei with U-Nets, from images to labels, without a screen.

    Start with `napari-unet-nuclei demo`.
    """


def run_app() -> int:
    """Run the command that the arguments name, and return its exit code."""
    try:
        code = app(standalone_mode=False)
    except _ClickError as error:
        _print_usage_error(error)
        return int(error.exit_code)
    except typer.Abort:
        messages.print("Stopped.", style="yellow")
        return STOPPED
    return code if isinstance(code, int) else 0


def _print_usage_error(error: Any) -> None:
    """Say what is wrong with the arguments, which may be names of files."""
    if type(error).__name__ == "NoArgsIsHelpError":  # has printed the help already
        return
    context = getattr(error, "ctx", None)
    if context is not None:
        messages.print(context.get_usage())
        messages.print(f"Try '{context.command_path} --help' for help.", style="dim")
    messages.print(f"Error: {error.format_message()}", style="red")
