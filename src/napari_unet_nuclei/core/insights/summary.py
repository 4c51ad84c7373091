"""A look at a whole data set: what its images have in common, and the odd ones.

Each image is measured in ``inspection``; pages are drawn in ``pages`` and
``distributions``.  What the keys of the JSON mean is written down in
``docs/insights.md``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.insights.inspection import SampleInsights, UnreadableSample
from napari_unet_nuclei.core.insights.suspicion import Suspicion, SuspiciousMask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ALL = "all"
"""Name of the group of all images."""

_BINS_PER_OCTAVE = 2  # of the histogram of areas
_INTENSITIES_PER_BIN = 8


@dataclass(frozen=True, kw_only=True)
class SampleRow:
    """What is kept of each image.

    Parameters
    ----------
    sample_id, staining : str
        Name of the sample, and what its image looks like.
    height, width : int
        Size in px.
    n_nuclei, n_touching : int
        Nuclei, and those that touch another one.
    foreground : float in [0, 1]
        Part of the image that nuclei cover.
    median_area : float, optional
        Median area of the nuclei in px²; ``None`` without nuclei.
    n_suspicious_masks : int
        Masks one should look at; a mask with two reasons counts once.
    """

    sample_id: str
    staining: str
    height: int
    width: int
    n_nuclei: int
    n_touching: int
    foreground: float
    median_area: float | None
    n_suspicious_masks: int


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupInsights:
    """What is known about the images of one staining, or of all.

    Parameters
    ----------
    rows : list of SampleRow
        The images.
    areas : (N,) ndarray of int
        Areas of all nuclei, in px².
    nucleus_intensities, background_intensities : (256,) ndarray of int
        Number of pixels with each intensity on the 8-bit scale.
    """

    rows: list[SampleRow]
    areas: NDArray[np.int64]
    nucleus_intensities: NDArray[np.int64]
    background_intensities: NDArray[np.int64]

    @property
    def sizes(self) -> list[tuple[tuple[int, int], int]]:
        """Height and width of the images, and how many have them, frequent first."""
        counts = Counter((row.height, row.width) for row in self.rows)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    @property
    def diameters(self) -> NDArray[np.float64]:
        """Diameters of circles as large as the nuclei, in px."""
        return np.asarray(np.sqrt(self.areas * (4 / np.pi)))

    @property
    def touching(self) -> float:
        """Part of the nuclei that touch another one; 0 where there is none."""
        n_touching = sum(row.n_touching for row in self.rows)
        return n_touching / self.areas.size if self.areas.size else 0.0


class DataSetInsights:
    """Sums up a data set image by image, in little memory.

    Parameters
    ----------
    name : str
        Name of the data set.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[SampleRow] = []
        self.suspicious_masks: list[SuspiciousMask] = []
        self.unreadable: list[UnreadableSample] = []
        self._areas: defaultdict[str, list[NDArray[np.int64]]] = defaultdict(list)
        self._intensities: defaultdict[str, NDArray[np.int64]] = defaultdict(
            lambda: np.zeros((2, 256), np.int64)
        )
        self._ids_by_digest: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, found: SampleInsights | UnreadableSample) -> None:
        """Take up one image.

        Parameters
        ----------
        found : SampleInsights or UnreadableSample
            What ``insights.iter_insights`` yields.
        """
        if isinstance(found, UnreadableSample):
            self.unreadable.append(found)
            return
        group = str(found.staining)
        n_nuclei = found.areas.size
        self.rows.append(
            SampleRow(
                sample_id=found.sample_id,
                staining=group,
                height=found.height,
                width=found.width,
                n_nuclei=n_nuclei,
                n_touching=found.n_touching,
                foreground=found.foreground,
                median_area=float(np.median(found.areas)) if n_nuclei else None,
                n_suspicious_masks=len({odd.mask for odd in found.suspicious_masks}),
            )
        )
        self.suspicious_masks.extend(found.suspicious_masks)
        self._areas[group].append(found.areas)
        self._intensities[group] += np.stack(
            [found.nucleus_intensities, found.background_intensities]
        )
        self._ids_by_digest[found.digest].append(found.sample_id)

    @property
    def groups(self) -> dict[str, GroupInsights]:
        """The stainings that occur, by name, and at the end all images."""
        names = sorted(self._areas)
        groups = {name: self._make_group([name]) for name in names}
        return groups | {ALL: self._make_group(names)}

    @property
    def without_nuclei(self) -> list[str]:
        """Samples in which nothing is annotated."""
        return [row.sample_id for row in self.rows if not row.n_nuclei]

    @property
    def duplicates(self) -> list[list[str]]:
        """Groups of samples whose images are equal, pixel by pixel."""
        return [ids for ids in self._ids_by_digest.values() if len(ids) > 1]

    @property
    def n_suspicious(self) -> dict[Suspicion, int]:
        """How many masks are odd for each reason that occurs."""
        counts = Counter(odd.reason for odd in self.suspicious_masks)
        return {reason: counts[reason] for reason in Suspicion if counts[reason]}

    def as_json(self) -> dict[str, Any]:
        """Return everything that was found, in plain values."""
        return {
            "data_set": self.name,
            "n_images": len(self.rows),
            "n_unreadable": len(self.unreadable),
            "groups": {
                name: _group_as_json(group) for name, group in self.groups.items()
            },
            "suspicious_masks": [asdict(odd) for odd in self.suspicious_masks],
            "without_nuclei": self.without_nuclei,
            "duplicates": self.duplicates,
            "unreadable": [asdict(sample) for sample in self.unreadable],
            "images": [asdict(row) for row in self.rows],
        }

    def _make_group(self, names: Sequence[str]) -> GroupInsights:
        areas = [each for name in names for each in self._areas[name]]
        intensities = sum(
            (self._intensities[name] for name in names), np.zeros((2, 256), np.int64)
        )
        return GroupInsights(
            rows=[row for row in self.rows if row.staining in names],
            areas=np.concatenate([np.zeros(0, np.int64), *areas]),
            nucleus_intensities=intensities[0],
            background_intensities=intensities[1],
        )


def describe(values: Sequence[float] | NDArray[Any]) -> dict[str, float] | None:
    """Smallest, largest, mean and percentiles of some values.

    Parameters
    ----------
    values : sequence of float
        In any order.

    Returns
    -------
    dict of str to float, or None
        ``min``, ``p5``, ``median``, ``p95``, ``max`` and ``mean``, rounded to four
        significant digits; ``None`` where there is no value.
    """
    values = np.asarray(values, np.float64)
    if not values.size:
        return None
    names = ("min", "p5", "median", "p95", "max")
    numbers = [*np.percentile(values, [0, 5, 50, 95, 100]), values.mean()]
    return {
        name: float(f"{number:.4g}")
        for name, number in zip((*names, "mean"), numbers, strict=True)
    }


def area_histogram(
    areas: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Count areas in bins of equal ratio.

    Parameters
    ----------
    areas : (N,) ndarray of int
        In px², each at least 1.

    Returns
    -------
    edges : (B + 1,) ndarray of float
        Each √2 times the one before, in px².
    counts : (B,) ndarray of int
        Nuclei in each bin.
    """
    octaves = np.log2(areas[[areas.argmin(), areas.argmax()]] if areas.size else [1, 1])
    first, last = np.floor(octaves * _BINS_PER_OCTAVE)
    edges = 2 ** (np.arange(first, last + 2) / _BINS_PER_OCTAVE)
    # Truncated, because rounding up would leave the smallest area out.
    counts, _ = np.histogram(areas, edges * (1 - 1e-9))
    return edges, counts


def _group_as_json(group: GroupInsights) -> dict[str, Any]:
    edges, counts = area_histogram(group.areas)
    bins = (-1, _INTENSITIES_PER_BIN)
    return {
        "n_images": len(group.rows),
        "n_nuclei": group.areas.size,
        "sizes": [
            {"height": height, "width": width, "n_images": n_images}
            for (height, width), n_images in group.sizes
        ],
        "nuclei_per_image": describe([row.n_nuclei for row in group.rows]),
        "area": describe(group.areas),
        "diameter": describe(group.diameters),
        "foreground": describe([row.foreground for row in group.rows]),
        "touching": group.touching,
        "area_histogram": {
            "edges": [float(f"{edge:.5g}") for edge in edges],
            "counts": counts.tolist(),
        },
        "intensity_histogram": {
            "edges": list(range(0, 257, _INTENSITIES_PER_BIN)),
            "nuclei": group.nucleus_intensities.reshape(bins).sum(axis=1).tolist(),
            "background": group.background_intensities.reshape(bins)
            .sum(axis=1)
            .tolist(),
        },
    }
