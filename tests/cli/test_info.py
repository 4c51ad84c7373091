from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result


def test_versions_models_and_the_reason_for_no_gpu_are_shown(
    run: Callable[..., Result],
) -> None:
    result = run("info")
    assert result.exit_code == 0, result.output
    for word in ("openvino", "keras", "GPU", "resnet, classic", __version__):
        assert word in result.output


def test_version(run: Callable[..., Result]) -> None:
    assert run("--version").output.strip() == __version__


def test_help_names_every_command(run: Callable[..., Result]) -> None:
    result = run("--help")
    for command in ("demo", "segment", "train", "evaluate", "info"):
        assert command in result.output
