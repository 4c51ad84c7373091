"""Event files for TensorBoard: numbers and pictures of a training run over its steps.

Written with the ``tensorboard`` package alone, so that nothing here depends on the
backend of Keras.  Which pictures there are is decided in ``pictures``.
"""

from __future__ import annotations

import io
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from PIL import Image

from napari_unet_nuclei.core.errors import OutputError, TrainingError
from napari_unet_nuclei.core.shown_text import as_text
from napari_unet_nuclei.core.training.set_scores import summarise_sets
from napari_unet_nuclei.core.training.steps import summarise_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.training.steps import TrainingStep

_FORMAT = "brain.Event:2"  # by which TensorBoard knows how to read the file


class TensorBoardLog:
    """One event file of one run.

    Parameters
    ----------
    folder : Path
        Folder for the event file, which ``tensorboard --logdir`` reads; created when
        the run begins.

    Raises
    ------
    TrainingError
        If TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise TrainingError(
                "TensorBoard is not installed; install it with `pip install "
                "tensorboard`, or train without --tensorboard."
            ) from error
        self._events, self._summaries = event_pb2, summary_pb2
        self._make_writer = RecordWriter
        self._writer: Any = None
        self._folder = folder

    def begin(self, step: int) -> None:
        """Open the file; what an earlier part of the run wrote after a step is void.

        Parameters
        ----------
        step : int
            Steps done so far; 0 for a new run.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        name = f"events.out.tfevents.{time.time_ns()}.{os.getpid()}"
        with self._explaining():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writer = self._make_writer((self._folder / name).open("wb"))
        self._write(file_version=_FORMAT)
        start = self._events.SessionLog(status=self._events.SessionLog.START)
        # TensorBoard forgets what other files say about this step and later ones.
        self._write(step=step + 1 if step > 0 else 0, session_log=start)

    def write_step(
        self, step: TrainingStep, pictures: Mapping[str, NDArray[np.uint8]]
    ) -> None:
        """Note loss and metrics, and at the end of an epoch scores and pictures.

        Parameters
        ----------
        step : TrainingStep
            What training says.
        pictures : mapping of str to (Y, X, 3) ndarray of uint8
            Pictures by name, shown only together with scores.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        part = "train" if step.scores is None else "epoch"
        numbers = {
            f"{part}/{name}": getattr(step, name)
            for name in ("loss", "dice", "iou", "accuracy", "learning_rate")
        }
        if step.scores is not None:
            for name, score in summarise_scores(step.scores).items():
                numbers[f"validation/{name}"] = score
            for data_set, scores in summarise_sets(step.scores).items():
                for name, score in scores.items():
                    numbers[f"validation/{name}:{data_set}"] = score
        values = [
            self._summaries.Summary.Value(tag=tag, simple_value=number)
            for tag, number in numbers.items()
            if number is not None
        ]
        if step.scores is not None:
            values += [
                self._summaries.Summary.Value(
                    tag=f"held_out/{as_text(name)}", image=self._encode(picture)
                )
                for name, picture in pictures.items()
            ]
        self._write(step=step.step, summary=self._summaries.Summary(value=values))

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _encode(self, picture: NDArray[np.uint8]) -> Any:
        png = io.BytesIO()
        Image.fromarray(picture).save(png, format="PNG")
        height, width, n_channels = picture.shape
        return self._summaries.Summary.Image(
            height=height,
            width=width,
            colorspace=n_channels,
            encoded_image_string=png.getvalue(),
        )

    def _write(self, **event: Any) -> None:
        content = self._events.Event(wall_time=time.time(), **event)
        with self._explaining():
            self._writer.write(content.SerializeToString())
            self._writer.flush()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                "Expected a folder to write TensorBoard's events to. Received: "
                f"{self._folder} ({error.strerror or error}). Choose a folder you may "
                "write to, on a disk that has room."
            ) from error
