from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei import __version__
from napari_unet_nuclei.core.datasets.downloads import cache_folder
from napari_unet_nuclei.core.models.store import user_model_folder

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


def test_the_folders_of_models_and_downloads_are_named(
    run: Callable[..., Result],
) -> None:
    text = run("info").stdout.replace("\n", "")
    for folder in (user_model_folder(), cache_folder()):
        assert str(folder) in text


def test_version(run: Callable[..., Result]) -> None:
    assert run("--version").output.strip() == __version__


def test_help_names_every_command(run: Callable[..., Result]) -> None:
    result = run("--help")
    for command in ("demo", "segment", "train", "evaluate", "download", "info"):
        assert command in result.output
