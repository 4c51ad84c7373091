"""Many images, one after the other: segment, write, go on past bad ones."""

from __future__ import annotations

import errno
import time
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.batch.outputs import RLE_NAME, BatchOutputs
from napari_unet_nuclei.core.batch.own_results import OwnResultError
from napari_unet_nuclei.core.batch.predictions_table import PredictionsTable
from napari_unet_nuclei.core.concurrency import overlap
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.drawing.overlays import draw_side_by_side, write_png
from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.files.label_records import LabelRecord
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.core.files.run_lengths import encode_labels
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.images.header_axes import settle_axes
from napari_unet_nuclei.core.instances.measurements import (
    measure_nuclei,
    write_features_csv,
)
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.segmentation.memory import fits_beside_another, say_lack
from napari_unet_nuclei.core.segmentation.provenance import describe_run
from napari_unet_nuclei.core.settings.choices import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.batch.inputs import NamedImage
    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

__all__ = ["RLE_NAME", "ImageDone", "segment_images"]


@dataclass(frozen=True, kw_only=True)
class ImageDone:
    """What became of one image.

    Parameters
    ----------
    name : str
        Name of the image.
    n_nuclei : int
        Nuclei found; 0 when there was an error.
    seconds : float
        Time for reading, segmenting and writing.
    is_rescaled : bool
        Whether the network saw the image, or a plane of it, at another size because
        of the size of its nuclei.
    error : str, optional
        Why there is no result.
    notes : tuple of str
        Sentences on what was not read, or was read in another way than asked for.
    cause : UNetNucleiError, optional
        The error behind that sentence.
    """

    name: str
    n_nuclei: int
    seconds: float
    is_rescaled: bool = False
    error: str | None = None
    notes: tuple[str, ...] = ()
    cause: UNetNucleiError | None = None

    @property
    def is_own_result(self) -> bool:
        """Whether this is no image but a result of an earlier batch, passed over."""
        return isinstance(self.cause, OwnResultError)


@dataclass(eq=False)
class _Job:
    """One image on its way through the stages."""

    image: NamedImage
    axes: str | None = field(init=False)
    stack: PlaneStack = field(init=False)
    calibration: Calibration = field(init=False)
    maps: list[Maps] = field(init=False)
    notes: tuple[str, ...] = ()
    n_nuclei: int = 0
    is_rescaled: bool = False
    seconds: float = 0.0
    error: str | None = None
    cause: UNetNucleiError | None = None
    is_over: Event = field(default_factory=Event)

    def advance(self, stage: Callable[[_Job], None]) -> _Job:
        """Do a stage, unless an earlier one failed."""
        if self.error is not None:
            return self
        start = time.perf_counter()
        try:
            stage(self)
        except UNetNucleiError as error:
            if _ends_batch(error):
                raise
            self.error, self.cause = str(error), error
        except MemoryError as error:
            self.error = say_lack(error)
        finally:
            self.seconds += time.perf_counter() - start
        return self

    def end(self) -> None:
        """Give up pixels and maps, which may take much memory."""
        for name in ("stack", "maps"):
            vars(self).pop(name, None)
        self.is_over.set()

    def report(self) -> ImageDone:
        """Say what became of the image."""
        return ImageDone(
            name=self.image.name,
            n_nuclei=self.n_nuclei,
            seconds=self.seconds,
            is_rescaled=self.is_rescaled,
            error=self.error,
            notes=self.notes,
            cause=self.cause,
        )


def _ends_batch(error: Exception) -> bool:
    """Whether the next image would fail for the same reason, as on a full disk."""
    cause = error.__cause__
    return (
        isinstance(error, OutputError)
        and isinstance(cause, OSError)
        and cause.errno not in (errno.ENAMETOOLONG, errno.EINVAL)
    )


@dataclass(frozen=True)
class _Segmented:
    """One image and all that can be written of it."""

    name: str
    stack: PlaneStack
    labels: NDArray[np.int32]
    maps: list[Maps]
    calibration: Calibration
    record: LabelRecord


def segment_images(
    model: Model,
    images: Sequence[NamedImage],
    outputs: BatchOutputs,
    settings: SegmentationSettings,
    *,
    axes: str | None = None,
    channel: int | None = None,
) -> Generator[ImageDone, None, None]:
    """Segment images and write the results, file by file.

    An image that cannot be read or segmented, or whose result somebody else has
    written meanwhile, is reported and passed over.  Closing
    the generator keeps what has been written, with the rows of the csv.

    Parameters
    ----------
    model : Model
        Model to use.
    images : sequence of NamedImage
        Images to segment.
    outputs : BatchOutputs
        What to write, and where; what ``plan_outputs`` returns has been checked.
    settings : SegmentationSettings
        Threshold, smallest area, diameter and test-time flips.
    axes : str, optional
        Axes of each image, such as ``"CYX"``; by default what its file says.
    channel : int, optional
        Channel that shows the nuclei.

    Yields
    ------
    ImageDone
        After each image.

    Raises
    ------
    OutputError
        If a result cannot be written.
    """
    table = PredictionsTable(
        outputs.folder / RLE_NAME, outputs.rows, may_replace=outputs.may_replace_csv
    )

    def read(job: _Job) -> None:
        stored = job.image.read()
        job.notes, job.calibration = stored.notes, stored.calibration
        settled, warning = settle_axes(stored, axes, channel)
        job.notes += (warning,) if warning else ()
        job.stack, job.axes = PlaneStack(stored.pixels, settled, channel), settled
        if set(outputs.formats) != {OutputFormat.TIFF}:
            job.stack.single_plane()  # before the work: no other format holds a stack

    last: _Job | None = None

    def predict(job: _Job) -> None:
        nonlocal last
        shape, n_planes = job.stack.plane_shape, len(job.stack)
        if last is not None and not fits_beside_another(shape, n_planes):
            last.is_over.wait()
        last = job
        job.maps = exhaust(model.iter_maps(job.stack, settings))
        is_chosen = settings.diameter is not None
        job.is_rescaled = not is_chosen and any(maps.scale != 1 for maps in job.maps)

    def finish(job: _Job) -> None:
        labels = exhaust(model.iter_split(job.stack, job.maps, settings))
        job.n_nuclei = int(labels.max(initial=0))
        name = job.image.name
        run = describe_run(name, model, settings, axes=job.axes, channel=channel)
        record = LabelRecord(provenance=run)
        result = _Segmented(name, job.stack, labels, job.maps, job.calibration, record)
        for kind in outputs.formats_of(result.name):
            if kind is OutputFormat.RLE:
                table.add(result.name, encode_labels(labels))
            else:
                path = outputs.path_of(result.name, kind)
                _WRITERS[kind](path, result, outputs.may_replace)

    def end(job: _Job) -> _Job:
        try:
            return job.advance(finish)
        finally:
            job.end()

    # While the network works on one image, the next is read and the last is written.
    jobs = (_Job(image) for image in images)
    ready = overlap(lambda job: job.advance(read), jobs)
    predicted = (job.advance(predict) for job in ready)
    try:
        with closing(overlap(end, predicted)) as finished:
            for job in finished:
                yield job.report()
        if OutputFormat.RLE in outputs.formats:
            table.finish()
    finally:
        table.save()


def _write_tiff(path: Path, result: _Segmented, may_replace: bool) -> None:
    write_labels_tiff(
        path,
        result.labels,
        axes=result.stack.axes,
        calibration=result.calibration,
        record=result.record,
        may_replace=may_replace,
    )


def _write_png(path: Path, result: _Segmented, may_replace: bool) -> None:
    write_labels_png(path, result.labels, record=result.record, may_replace=may_replace)


def _write_dsb2018(path: Path, result: _Segmented, may_replace: bool) -> None:
    image = result.stack.single_plane()
    write_dsb2018_sample(
        path.parent, path.name, image, result.labels, may_replace=may_replace
    )


def _write_overlay(path: Path, result: _Segmented, may_replace: bool) -> None:
    picture = draw_side_by_side(result.stack.single_plane(), result.labels)
    write_png(path, picture, may_replace=may_replace)


def _write_features(path: Path, result: _Segmented, may_replace: bool) -> None:
    features = measure_nuclei(
        result.labels,
        result.stack.single_plane(),
        result.maps[0].foreground,
        calibration=result.calibration,
    )
    write_features_csv(path, features, may_replace=may_replace)


_WRITERS: dict[OutputFormat, Callable[[Path, _Segmented, bool], None]] = {
    OutputFormat.TIFF: _write_tiff,
    OutputFormat.PNG: _write_png,
    OutputFormat.DSB2018: _write_dsb2018,
    OutputFormat.OVERLAY: _write_overlay,
    OutputFormat.FEATURES: _write_features,
}
