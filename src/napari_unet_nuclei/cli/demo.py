"""``demo``: the main job on example images."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from napari_unet_nuclei.cli.options import Debug, Overwrite, ResultFolder
from napari_unet_nuclei.cli.reporting import (
    messages,
    one_sentence_errors,
    output,
    quiet_native_libraries,
)
from napari_unet_nuclei.core.settings.choices import OutputFormat

if TYPE_CHECKING:
    from napari_unet_nuclei.core.datasets.examples import ExampleImage
    from napari_unet_nuclei.core.segmentation.model import Model


def demo(
    folder: ResultFolder = Path("demo"),
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Segment the example images: no download, no screen.

    Writes labels (TIFF), a picture with outlines (PNG) and a table of the nuclei
    (CSV) for each sample.  Drawn nuclei are compared with their truth, those of
    tissue with what was counted by eye in parts of it.  Other files of these names
    are replaced only with --overwrite.
    """
    with one_sentence_errors(debug=debug):
        from napari_unet_nuclei.core.batch.publishing import publish
        from napari_unet_nuclei.core.datasets.examples import EXAMPLE_IMAGES
        from napari_unet_nuclei.core.segmentation.model import load_model

        with quiet_native_libraries(debug=debug):
            model = load_model()
        with TemporaryDirectory(prefix="unet-nuclei-demo-") as made:
            for name, load in EXAMPLE_IMAGES.items():
                sentence, warnings = _segment(model, name, load(), Path(made))
                output.print(sentence, highlight=False, soft_wrap=True)
                for warning in warnings:
                    messages.print(f"{name}: {warning}", style="yellow")
            publish(Path(made), folder, overwrite=overwrite)
        output.print(
            f"Labels, pictures and tables are in {folder}",
            highlight=False,
            soft_wrap=True,
        )


def _segment(
    model: Model, name: str, sample: ExampleImage, folder: Path
) -> tuple[str, tuple[str, ...]]:
    """Segment one sample, write its files, and say how it went and what to check."""
    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.batch.outputs import BatchOutputs
    from napari_unet_nuclei.core.batch.run import segment_images
    from napari_unet_nuclei.core.evaluation.scores import evaluate
    from napari_unet_nuclei.core.files.label_reading import read_labels
    from napari_unet_nuclei.core.images.stored_image import StoredImage

    formats = (OutputFormat.TIFF, OutputFormat.OVERLAY, OutputFormat.FEATURES)
    image = NamedImage(name, lambda: StoredImage(sample.image))
    (done,) = segment_images(
        model, [image], BatchOutputs(folder, formats), sample.settings
    )
    sentence = f"{name}: {done.n_nuclei} nuclei in {done.seconds:.2f} s"
    labels = read_labels(folder / f"{name}.tif")
    if sample.counted_crops:
        found = ", ".join(str(crop.count(labels)) for crop in sample.counted_crops)
        by_eye = ", ".join(str(crop.n_nuclei) for crop in sample.counted_crops)
        sentence += (
            f" (in {len(sample.counted_crops)} parts of it {found}; "
            f"counted by eye: {by_eye})"
        )
    if sample.labels is not None:
        scores = evaluate(sample.labels, labels)
        sentence += (
            f" (truth: {scores.n_true}; AP50 {scores.ap[0.5]:.2f}, "
            f"Dice {scores.dice:.2f})"
        )
    return sentence, done.warnings
