"""``segment`` for files: each image becomes results in a folder."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari_unet_nuclei.cli.reporting import make_progress, quiet_native_libraries
from napari_unet_nuclei.cli.segmentation_report import report, say, tell_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from napari_unet_nuclei.cli.measurement_options import MeasurementOptions
    from napari_unet_nuclei.cli.report_options import ReportOptions
    from napari_unet_nuclei.cli.segmentation_options import ImageOptions
    from napari_unet_nuclei.cli.selection import Selection
    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.batch.jobs import ImageDone
    from napari_unet_nuclei.core.batch.outputs import BatchOutputs
    from napari_unet_nuclei.core.settings.choices import EngineName, OutputFormat
    from napari_unet_nuclei.core.settings.measurements import MeasurementSettings
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings


@dataclass(frozen=True, kw_only=True)
class FileBatch:
    """What ``segment`` was asked to do with files; parameters are its options."""

    inputs: Sequence[Path]
    folder: Path
    model: str
    engine: EngineName
    settings: SegmentationSettings
    kinds: tuple[OutputFormat, ...]
    measurement: MeasurementOptions
    selection: Selection
    image: ImageOptions
    page: ReportOptions
    skip_existing: bool
    overwrite: bool
    debug: bool

    def run(self) -> bool:
        """Segment all images, and say what became of them; true if nothing failed.

        Raises
        ------
        UNetNucleiError
            If options do not go together, or something would be replaced unasked.
        """
        self.page.check(
            self.folder, overwrite=self.overwrite, skip_existing=self.skip_existing
        )
        measurements = self.measurement.make_settings(self.kinds)
        names, series = self.selection.read_names(), self.image.parse_series()

        from napari_unet_nuclei.core.batch.inputs import find_inputs
        from napari_unet_nuclei.core.batch.outputs import claim_csv
        from napari_unet_nuclei.core.batch.planning import plan_outputs

        images = find_inputs(self.inputs, names, series=series, say=say)
        with claim_csv(self.folder, self.kinds):
            outputs = plan_outputs(
                *(images, self.folder, self.kinds),
                [*self.inputs, *self.selection.files],
                overwrite=self.overwrite,
                skip_existing=self.skip_existing,
            )
            return self._segment(images, outputs, measurements)

    def _segment(
        self,
        images: Sequence[NamedImage],
        outputs: BatchOutputs,
        measurements: MeasurementSettings,
    ) -> bool:
        from napari_unet_nuclei.core.batch.run import segment_images
        from napari_unet_nuclei.core.segmentation.model import load_model

        todo = outputs.missing(images)
        tell_plan(outputs, len(images) - len(todo))
        # OpenVINO says nothing; Keras, where it is used, starts TensorFlow.
        with quiet_native_libraries(debug=self.debug):
            loaded = load_model(self.model, self.engine)
        steps = segment_images(
            *(loaded, todo, outputs, self.settings),
            axes=self.image.axes,
            channel=self.image.channel,
            spacing=self.image.spacing,
            measurements=measurements,
            thumbnail_side=self.page.thumbnail_side(len(images)),
        )
        write_page = partial(
            self.page.write, images, outputs, loaded, self.skip_existing
        )
        done = _follow(steps, len(todo), write_page)
        return report(done, self.folder, loaded.engine.description)


def _follow(
    steps: Generator[ImageDone, None, object],
    n_images: int,
    write_page: Callable[[list[ImageDone]], object],
) -> list[ImageDone]:
    """Segment image after image, and show how far that is."""
    done: list[ImageDone] = []
    with make_progress() as progress, closing(steps):
        task = progress.add_task("Segmenting", total=n_images)
        try:
            for result in steps:
                done.append(result)
                progress.advance(task)
        finally:  # also of what was done before it was stopped
            write_page(done)
    return done
