"""Many images, one after the other: segment, write, go on past bad ones."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.axes import PlaneStack
from napari_unet_nuclei.core.choices import OutputFormat
from napari_unet_nuclei.core.errors import OutputError, UNetNucleiError
from napari_unet_nuclei.core.features import measure_nuclei, write_features_csv
from napari_unet_nuclei.core.label_files import (
    write_dsb2018_sample,
    write_labels_png,
    write_labels_tiff,
)
from napari_unet_nuclei.core.overlays import (
    OVERLAY_ENDING,
    draw_side_by_side,
    write_png,
)
from napari_unet_nuclei.core.pipeline import overlap
from napari_unet_nuclei.core.rle import encode_labels, write_runs_csv
from napari_unet_nuclei.core.steps import exhaust

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.inputs import NamedImage
    from napari_unet_nuclei.core.prediction import Model
    from napari_unet_nuclei.core.settings import SegmentationSettings
    from napari_unet_nuclei.core.splitting import Maps

RLE_NAME = "predictions.csv"


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
    """

    name: str
    n_nuclei: int
    seconds: float
    is_rescaled: bool = False
    error: str | None = None
    cause: UNetNucleiError | None = None


@dataclass(eq=False)
class _Job:
    """One image on its way through the stages."""

    image: NamedImage
    stack: PlaneStack = field(init=False)
    maps: list[Maps] = field(init=False)
    n_nuclei: int = 0
    is_rescaled: bool = False
    seconds: float = 0.0
    error: str | None = None
    cause: UNetNucleiError | None = None

    def advance(self, stage: Callable[[_Job], None]) -> _Job:
        """Do a stage, unless an earlier one failed."""
        if self.error is not None:
            return self
        start = time.perf_counter()
        try:
            stage(self)
        except (UNetNucleiError, MemoryError) as error:
            if _ends_batch(error):
                raise
            self.cause = error if isinstance(error, UNetNucleiError) else None
            self.error = str(error) or "not enough memory; cut the image into pieces"
        finally:
            self.seconds += time.perf_counter() - start
        return self


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


def segment_images(
    model: Model,
    images: Sequence[NamedImage],
    output: Path,
    formats: Collection[OutputFormat],
    settings: SegmentationSettings,
    *,
    axes: str | None = None,
    channel: int | None = None,
) -> Iterator[ImageDone]:
    """Segment images and write the results, file by file.

    An image that cannot be read or segmented is reported and passed over.

    Parameters
    ----------
    model : Model
        Model to use.
    images : sequence of NamedImage
        Images to segment.
    output : Path
        Folder to write to; created if missing.
    formats : collection of OutputFormat
        What to write.
    settings : SegmentationSettings
        Threshold, smallest area, diameter and test-time flips.
    axes : str, optional
        Axes of each image, such as ``"CYX"``.
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
    runs: dict[str, list[str]] = {}

    def read(job: _Job) -> None:
        job.stack = PlaneStack(job.image.read().pixels, axes, channel)
        if set(formats) != {OutputFormat.TIFF}:
            job.stack.single_plane()  # before the work: no other format holds a stack

    def predict(job: _Job) -> None:
        job.maps = exhaust(model.iter_maps(job.stack, settings))
        is_chosen = settings.diameter is not None
        job.is_rescaled = not is_chosen and any(maps.scale != 1 for maps in job.maps)

    def finish(job: _Job) -> None:
        labels = exhaust(model.iter_split(job.stack, job.maps, settings))
        job.n_nuclei = int(labels.max(initial=0))
        result = _Segmented(job.image.name, job.stack, labels, job.maps)
        for kind in formats:
            if kind is OutputFormat.RLE:
                runs[result.name] = encode_labels(labels)
            else:
                _WRITERS[kind](output, result)

    # While the network works on one image, the next is read and the last is written.
    jobs = (_Job(image) for image in images)
    ready = overlap(lambda job: job.advance(read), jobs)
    predicted = (job.advance(predict) for job in ready)
    for job in overlap(lambda job: job.advance(finish), predicted):
        yield ImageDone(
            name=job.image.name,
            n_nuclei=job.n_nuclei,
            seconds=job.seconds,
            is_rescaled=job.is_rescaled,
            error=job.error,
            cause=job.cause,
        )
    if OutputFormat.RLE in formats:
        write_runs_csv(output / RLE_NAME, runs)


def _write_tiff(output: Path, result: _Segmented) -> None:
    write_labels_tiff(
        output / f"{result.name}.tif", result.labels, axes=result.stack.axes
    )


def _write_png(output: Path, result: _Segmented) -> None:
    write_labels_png(output / f"{result.name}.png", result.labels)


def _write_dsb2018(output: Path, result: _Segmented) -> None:
    image = result.stack.single_plane()
    write_dsb2018_sample(output, result.name, image, result.labels)


def _write_overlay(output: Path, result: _Segmented) -> None:
    overlay = draw_side_by_side(result.stack.single_plane(), result.labels)
    write_png(output / f"{result.name}{OVERLAY_ENDING}.png", overlay)


def _write_features(output: Path, result: _Segmented) -> None:
    features = measure_nuclei(
        result.labels, result.stack.single_plane(), result.maps[0].foreground
    )
    write_features_csv(output / f"{result.name}_nuclei.csv", features)


_WRITERS: dict[OutputFormat, Callable[[Path, _Segmented], None]] = {
    OutputFormat.TIFF: _write_tiff,
    OutputFormat.PNG: _write_png,
    OutputFormat.DSB2018: _write_dsb2018,
    OutputFormat.OVERLAY: _write_overlay,
    OutputFormat.FEATURES: _write_features,
}
