"""``demo``: the main job on embedded samples."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_unet_nuclei.cli.reporting import Debug, one_sentence_errors, output
from napari_unet_nuclei.core.settings import OutputFormat, SegmentationSettings


def demo(
    folder: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder to write the results to."
        ),
    ] = Path("demo"),
    debug: Debug = False,
) -> None:
    """Segment the embedded samples: no download, no screen.

    Writes labels (TIFF), a picture with outlines (PNG) and a table of the nuclei
    (CSV) for each sample, and compares drawn nuclei with their truth.
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.batch import segment_images
        from napari_unet_nuclei.core.embedded import EMBEDDED_IMAGES
        from napari_unet_nuclei.core.inputs import NamedImage
        from napari_unet_nuclei.core.label_files import read_labels
        from napari_unet_nuclei.core.metrics import evaluate
        from napari_unet_nuclei.core.prediction import load_model

        samples = {name: load() for name, load in EMBEDDED_IMAGES.items()}
        images = [
            NamedImage(name, partial(getattr, sample, "image"))
            for name, sample in samples.items()
        ]
        formats = (OutputFormat.TIFF, OutputFormat.OVERLAY, OutputFormat.FEATURES)
        settings = SegmentationSettings()
        for done in segment_images(load_model(), images, folder, formats, settings):
            sentence = f"{done.name}: {done.n_nuclei} nuclei in {done.seconds:.2f} s"
            truth = samples[done.name].labels
            if truth is not None:
                scores = evaluate(truth, read_labels(folder / f"{done.name}.tif"))
                sentence += (
                    f" (truth: {scores.n_true}; AP50 {scores.ap[0.5]:.2f}, "
                    f"Dice {scores.dice:.2f})"
                )
            output.print(sentence, highlight=False, soft_wrap=True)
        output.print(
            f"Labels, pictures and tables are in {folder}",
            highlight=False,
            soft_wrap=True,
        )
