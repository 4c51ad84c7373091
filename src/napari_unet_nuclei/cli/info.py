"""``info``: what is installed, what is used, and why not a GPU."""

from __future__ import annotations

from rich.table import Table

from napari_unet_nuclei.cli.reporting import Debug, one_sentence_errors, output


def info(debug: Debug = False) -> None:
    """Show versions, devices, models and where files are kept."""
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.devices import (
            keras_backend,
            openvino_devices,
            package_versions,
            segmentation_sentence,
            training_sentence,
        )
        from napari_unet_nuclei.core.downloads import cache_folder
        from napari_unet_nuclei.core.model_store import (
            shipped_models,
            user_model_folder,
            user_models,
        )

        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for name, version in package_versions().items():
            table.add_row(name, version)
        table.add_section()
        table.add_row("Keras backend", keras_backend())
        devices = openvino_devices()
        table.add_row(
            "OpenVINO devices",
            "\n".join(f"{name}: {full}" for name, full in devices.items()) or "none",
        )
        table.add_row("segmentation", segmentation_sentence())
        table.add_row("training", training_sentence())
        table.add_row("shipped models", ", ".join(shipped_models()) or "none")
        table.add_row("your models", ", ".join(user_models()) or "none")
        table.add_row("your models are in", str(user_model_folder()))
        table.add_row("downloads are in", str(cache_folder()))
        output.print(table)
