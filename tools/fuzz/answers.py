"""How the readers answer a case: it is read as the command line would read it."""

from __future__ import annotations

import time
import traceback
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from cases import COMPUTED
from folder_mutations import (
    NAMES,
)
from overwriting import run
from undamaged import (
    SHAPE,
)

from napari_unet_nuclei.core.batch.inputs import find_inputs
from napari_unet_nuclei.core.datasets.dsb2018_layout import is_dsb2018, is_sample_folder
from napari_unet_nuclei.core.datasets.label_collections import open_collection
from napari_unet_nuclei.core.datasets.opening import open_samples, read_good_samples
from napari_unet_nuclei.core.engines.engine import create_engine
from napari_unet_nuclei.core.errors import EngineError, ImageError, UNetNucleiError
from napari_unet_nuclei.core.files.images import read_image
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.images.axes import PlaneStack
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.settings.choices import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

ACCEPTED, OWN = "accepted", "own error"


def read_case(path: Path) -> Iterator[Callable[[], object]]:
    """Yield what the command line calls for such a path, one call after the other."""
    if path.suffix == ".csv":
        yield lambda: read_table(path)
    elif path.suffix == ".unetnuclei":
        yield lambda: compute(path) if path.stem == COMPUTED else read_bundle(path)
    elif path.suffix == ".run":
        yield lambda: run(path)
    elif path.suffix == ".zip" or path.is_dir():
        yield lambda: is_dsb2018(path)
        yield lambda: is_sample_folder(path)
        yield lambda: read_data_set(path)
        yield lambda: [
            touch_pixels(each.read().pixels, path) for each in find_inputs([path])
        ]
    else:
        yield lambda: touch_pixels(read_image(path), path)
        yield lambda: read_labels(path)


def compute(path: Path) -> None:
    """Read a model and let OpenVINO evaluate it on a small tile."""
    bundle = read_bundle(path)
    try:
        engine = create_engine(bundle, EngineName.OPENVINO)
        engine.predict(np.zeros((1, 64, 64, 3), np.float32))
    except EngineError as error:
        raise EngineError(f"{path.stem}: {error}".replace("\n", " ")) from error


def read_data_set(path: Path) -> None:
    """Read every sample, as training does, then those that are left one by one."""
    source = open_samples(path)
    samples, problems = read_good_samples(source, source.sample_ids)
    for sample in samples:
        touch_pixels(sample.image, path)
    if problems:
        source.read_sample(problems[0].sample_id)


def read_table(path: Path) -> None:
    """Read the nuclei of every image of a table, as scoring does."""
    collection = open_collection(path)
    for name in collection.names:
        collection.read(name, SHAPE)


def touch_pixels(image: NDArray[Any], path: Path) -> None:
    """Make of an image what networks are fed; a batch puts its name before errors."""
    try:
        planes = to_channels(PlaneStack(image).single_plane())
    except ImageError as error:
        raise ImageError(f"{path.stem}: {error}") from error
    scaled = normalise(planes, intensity_limits(planes))
    if not np.isfinite(scaled).all():
        raise ArithmeticError("the network would see what is no number")


@dataclass
class Outcome:
    """What became of a case."""

    number: int
    answers: list[str] = field(default_factory=list)
    evidence: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


def run_case(number: int, path: Path) -> Outcome:
    """Read a case and say how it was answered."""
    outcome = Outcome(number)
    start = time.perf_counter()
    for call in read_case(path):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                call()
            except UNetNucleiError as error:
                message = str(error)
                for name in NAMES:  # the command line escapes them when it prints
                    message = message.replace(name, "")
                is_clear = "case" in message and "\n" not in message
                outcome.answers.append(OWN if is_clear else "unclear error")
                outcome.evidence = message if not is_clear else outcome.evidence
            except Exception as error:  # noqa: BLE001 - whatever comes is counted
                outcome.answers.append("foreign exception")
                outcome.evidence = "".join(traceback.format_exception(error))
            else:
                outcome.answers.append(ACCEPTED)
        if caught:
            outcome.answers.append("warning")
            outcome.evidence = outcome.evidence or str(caught[0])
    outcome.seconds = time.perf_counter() - start
    return outcome
