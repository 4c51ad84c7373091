"""Data sets in one file, for a machine that has neither them nor what reads them.

A zip of NumPy arrays: for each data set one of all images and one of all labels, laid
end to end, and a description in JSON.  Neighbouring pixels are subtracted first, which
makes the file about a third smaller.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.datasets.sample import Sample
from napari_unet_nuclei.core.images.intensity import intensity_limits, normalise
from napari_unet_nuclei.core.training.mixture import TrainingSet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_ABOUT = "about.json"


def write_packed(
    path: Path, sets: Sequence[TrainingSet], *, eight_bits: bool = False
) -> None:
    """Write data sets with their splits and weights into one file.

    Parameters
    ----------
    path : Path
        File to write.
    sets : sequence of TrainingSet
        The data sets.  Images are stored as they are, in 8 or 16 bits; those of other
        types are brought to 16 bits, and three equal channels become one.
    eight_bits : bool
        Normalise images of more bits and store 8, which is what crops are cut from.
    """
    about: list[dict[str, Any]] = []
    with zipfile.ZipFile(path, "x", zipfile.ZIP_LZMA) as zipped:
        for number, each in enumerate(sets):
            parts = {"train": each.samples, "validation": each.validation}
            entry: dict[str, Any] = {
                "name": each.name,
                "weight": each.weight,
                "source": dict(each.source),
            }
            for part, samples in parts.items():
                entry[part] = None
                if samples is not None:
                    place = f"{number}/{part}"
                    entry[part] = [
                        _write_sample(zipped, f"{place}/{i}", sample, eight_bits)
                        for i, sample in enumerate(samples)
                    ]
            about.append(entry)
        zipped.writestr(_ABOUT, json.dumps(about))


def read_packed(path: Path) -> list[TrainingSet]:
    """Read data sets that `write_packed` wrote.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of TrainingSet
        The same sets, with the same pixels up to what `write_packed` changes.
    """
    with zipfile.ZipFile(path) as zipped:
        about = json.loads(zipped.read(_ABOUT))
        return [
            TrainingSet(
                name=entry["name"],
                weight=entry["weight"],
                source=entry["source"],
                samples=_read_part(zipped, f"{number}/train", entry["train"]) or [],
                validation=_read_part(
                    zipped, f"{number}/validation", entry["validation"]
                ),
            )
            for number, entry in enumerate(about)
        ]


def _read_part(
    zipped: zipfile.ZipFile, place: str, ids: Sequence[str] | None
) -> list[Sample] | None:
    if ids is None:
        return None
    return [
        Sample(
            sample_id,
            _read(zipped, f"{place}/{index}/image"),
            _read(zipped, f"{place}/{index}/labels").astype(np.int32),
        )
        for index, sample_id in enumerate(ids)
    ]


def _write_sample(
    zipped: zipfile.ZipFile, place: str, sample: Sample, eight_bits: bool
) -> str:
    image = _as_stored(sample.image)
    if eight_bits and image.dtype != np.uint8:
        image = (normalise(image, intensity_limits(image)) * 255 + 0.5).astype(np.uint8)
    _write(zipped, f"{place}/image", image)
    largest = int(sample.labels.max(initial=0))
    labels = sample.labels.astype(np.min_scalar_type(largest))
    _write(zipped, f"{place}/labels", labels)
    return sample.sample_id


def _as_stored(image: NDArray[Any]) -> NDArray[Any]:
    """Bring an image to 8 or 16 bits, without channels that say nothing."""
    if image.ndim == 3:
        image = image[..., :3]  # without the alpha channel
        if (image == image[..., :1]).all():
            image = image[..., 0]
    if image.dtype == bool:
        return image.astype(np.uint8) * 255
    if image.dtype in (np.uint8, np.uint16):
        return image
    values = image.astype(np.float64)
    spread = float(np.ptp(values)) or 1.0
    return ((values - values.min()) * (65535 / spread) + 0.5).astype(np.uint16)


def _write(zipped: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    file = io.BytesIO()
    # Unsigned differences wrap round, and so do their sums.
    np.save(file, np.diff(array, axis=0, prepend=np.zeros_like(array[:1])))
    zipped.writestr(f"{name}.npy", file.getvalue())


def _read(zipped: zipfile.ZipFile, name: str) -> NDArray[Any]:
    differences = np.load(io.BytesIO(zipped.read(f"{name}.npy")), allow_pickle=False)
    return np.cumsum(differences, axis=0, dtype=differences.dtype)
