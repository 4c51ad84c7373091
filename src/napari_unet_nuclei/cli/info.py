"""``info``: what is installed, what is used, and why not a GPU."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from napari_unet_nuclei.cli.options import Debug
from napari_unet_nuclei.cli.reporting import one_sentence_errors, output
from napari_unet_nuclei.core.shown_text import make_visible


def info(debug: Debug = False) -> None:
    """Show versions, devices, models and where files are kept."""
    with one_sentence_errors(debug=debug, prints_result=True):
        from napari_unet_nuclei.core.datasets.downloads import cache_folder
        from napari_unet_nuclei.core.engines.devices import (
            keras_backend,
            openvino_devices,
            package_versions,
            segmentation_sentence,
            training_sentence,
        )
        from napari_unet_nuclei.core.models.store import (
            shipped_models,
            user_model_folder,
            user_models,
        )

        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for name, version in package_versions().items():
            table.add_row(name, make_visible(version))
        table.add_section()
        table.add_row("Keras backend", make_visible(keras_backend()))
        devices = openvino_devices()
        table.add_row(
            "OpenVINO devices",
            "\n".join(f"{name}: {full}" for name, full in devices.items()) or "none",
        )
        table.add_row("segmentation", make_visible(segmentation_sentence()))
        table.add_row("training", make_visible(training_sentence()))
        table.add_row("shipped models", _join(shipped_models()))
        table.add_row("your models", _join(user_models()))
        table.add_row("your models are in", make_visible(str(user_model_folder())))
        table.add_row("downloads are in", make_visible(str(cache_folder())))
        output.print(table)


def _join(names: Iterable[str]) -> str:
    return make_visible(", ".join(names)) or "none"
