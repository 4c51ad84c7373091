"""Many images, one after the other: segment, write, go on past bad ones."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.batch.jobs import ImageDone, Job
from napari_unet_nuclei.core.batch.outputs import RLE_NAME, BatchOutputs
from napari_unet_nuclei.core.batch.predictions_table import PredictionsTable
from napari_unet_nuclei.core.batch.writers import (
    FORMATS_OF_MAPS,
    FORMATS_OF_STACKS,
    WRITERS,
    ImageResult,
)
from napari_unet_nuclei.core.concurrency import map_ahead
from napari_unet_nuclei.core.files.label_records import LabelRecord
from napari_unet_nuclei.core.files.run_lengths import encode_labels
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.images.channel_stacks import split_channels
from napari_unet_nuclei.core.images.header_axes import settle_axes
from napari_unet_nuclei.core.progress import PlaneDone, exhaust
from napari_unet_nuclei.core.reports.image_summary import summarise_image
from napari_unet_nuclei.core.segmentation.memory import fits_beside_another
from napari_unet_nuclei.core.segmentation.provenance import describe_run
from napari_unet_nuclei.core.segmentation.stacks import iter_segmentation
from napari_unet_nuclei.core.settings.choices import OutputFormat, Stain
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

__all__ = ["RLE_NAME", "ImageDone", "segment_images"]

_USUAL = MeasurementSettings()


def segment_images(
    model: Model,
    images: Sequence[NamedImage],
    outputs: BatchOutputs,
    settings: SegmentationSettings,
    *,
    axes: str | None = None,
    channel: int | None = None,
    spacing: float | None = None,
    measurements: MeasurementSettings = _USUAL,
    thumbnail_side: int | None = None,
) -> Generator[ImageDone, None, None]:
    """Segment images and write the results, file by file.

    An image that cannot be read or segmented, or whose result appeared meanwhile, is
    reported and skipped.  Closing the generator keeps what has been written.

    Parameters
    ----------
    model : Model
        Model to use.
    images : sequence of NamedImage
        Images to segment.
    outputs : BatchOutputs
        What to write, and where: what ``plan_outputs`` returns.
    settings : SegmentationSettings
        Threshold, smallest area, diameter, test-time flips and stain.
    axes, channel, spacing : str, int, and float in px, optional
        Axes of each image, such as ``"CYX"``, the channel that shows the nuclei, and
        the distance between depths; by default what its file says.
    measurements : MeasurementSettings
        What the table of nuclei says beside the usual columns.
    thumbnail_side : int, in px, optional
        Sum each image up for a report, with a thumbnail of that size.

    Yields
    ------
    ImageDone
        After each image.

    Raises
    ------
    OutputError
        If a result cannot be written.
    """
    work = model, outputs, settings, measurements
    batch = _Batch(*work, axes, channel, spacing, thumbnail_side)
    # While the network sees an image, the next is read and the last is written.
    jobs = (Job(image) for image in images)
    ready = map_ahead(lambda job: job.advance(batch.read), jobs)
    predicted = (job.advance(batch.predict) for job in ready)
    try:
        with closing(map_ahead(batch.end, predicted)) as finished:
            for job in finished:
                yield job.report()
        if OutputFormat.RLE in outputs.formats:
            batch.table.finish()
    finally:
        batch.table.save()


class _Batch:
    """The stages that each image goes through: read, predict, end."""

    def __init__(
        self,
        model: Model,
        outputs: BatchOutputs,
        settings: SegmentationSettings,
        measurements: MeasurementSettings,
        axes: str | None,
        channel: int | None,
        spacing: float | None,
        thumbnail_side: int | None,
    ) -> None:
        self._model, self._settings, self._outputs = model, settings, outputs
        self._axes, self._channel = axes, channel
        self._spacing, self._thumbnail_side = spacing, thumbnail_side
        is_measured = OutputFormat.FEATURES in outputs.formats
        self._measurements = measurements if is_measured else _USUAL
        self._last: Job | None = None
        self.table = PredictionsTable(
            outputs.folder / RLE_NAME, outputs.rows, may_replace=outputs.may_replace_csv
        )

    def read(self, job: Job) -> None:
        """Read an image, and settle what its axes mean."""
        stored = job.image.read()
        job.notes, job.calibration = stored.notes, stored.calibration
        job.axes, warning = settle_axes(stored, self._axes, self._channel)
        job.notes += (warning,) if warning else ()
        job.stack = PlaneStack(stored.pixels, job.axes, self._channel)
        if self._measurements:
            job.channels = split_channels(stored.pixels, job.axes, stored.channels)
        if not FORMATS_OF_STACKS.issuperset(self._outputs.formats):
            job.stack.single_plane()  # before the work: only those hold a stack

    def predict(self, job: Job) -> None:
        """Let the network see the image; what is left then is to split its maps."""
        shape, n_planes = job.stack.plane_shape, len(job.stack)
        if self._last is not None and not fits_beside_another(shape, n_planes):
            self._last.is_over.wait()
        self._last = job
        is_summarised = self._thumbnail_side is not None and n_planes == 1
        keeps_maps = is_summarised or not FORMATS_OF_MAPS.isdisjoint(
            self._outputs.formats
        )
        job.steps = iter_segmentation(
            *(self._model, job.stack, self._settings),
            keeps_maps=keeps_maps,
            spacing=self._spacing or job.calibration.spacing(),
        )
        for step in job.steps:
            if isinstance(step, PlaneDone):
                break

    def end(self, job: Job) -> Job:
        """Finish and write an image, and release its pixels and maps."""
        try:
            return job.advance(self._finish)
        finally:
            job.end()

    def _finish(self, job: Job) -> None:
        found = exhaust(job.steps)
        if self._settings.stain is Stain.AUTO:
            job.signal = found.signal
        is_chosen = self._settings.diameter is not None
        job.is_rescaled = not is_chosen and any(scale != 1 for scale in found.scales)
        job.n_nuclei = int(found.labels.max(initial=0))
        job.warnings = tuple(doubt.sentence for doubt in found.doubts)
        name = job.image.name
        provenance = describe_run(
            *(name, self._model, self._settings),
            axes=job.axes,
            channel=self._channel,
            spacing=self._spacing,
            series=job.image.series,
            doubts=found.doubts,
            signal=found.signal,
        )
        result = ImageResult(
            stack=job.stack,
            segmentation=found,
            calibration=job.calibration,
            record=LabelRecord(provenance=provenance),
            measurements=self._measurements,
            channels=job.channels,
            link=self._settings.link,
        )
        for kind in self._outputs.formats_of(name):
            if kind is OutputFormat.RLE:
                self.table.add(name, encode_labels(found.labels))
            else:
                path = self._outputs.path_of(name, kind)
                WRITERS[kind](path, result, self._outputs.may_replace)
        if self._thumbnail_side is not None:
            job.summary = summarise_image(
                list(job.stack),
                found.labels.reshape(-1, *job.stack.plane_shape),
                found.maps,
                side=self._thumbnail_side,
            )
