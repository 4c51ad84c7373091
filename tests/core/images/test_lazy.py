"""How often and how much is read of arrays that are read as they are indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.images.lazy import LazyReader, as_array_like

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE = (2, 7, 8, 9)
IMAGE = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)
PLANE = (slice(None), slice(None))
ALL = (slice(None),) * 4


class OnDisk:
    """Array in chunks along its second axis; notes each reading."""

    def __init__(self, chunks: object = (1, 3, 8, 9)) -> None:
        self.shape = SHAPE
        self.dtype = IMAGE.dtype
        self.chunks = chunks
        self.n_read: list[int] = []

    def __getitem__(self, index: Any) -> NDArray[np.uint16]:
        part = IMAGE[index]
        self.n_read.append(part.size // (8 * 9))
        return part


def let_fit(monkeypatch: pytest.MonkeyPatch, n_planes: float) -> None:
    """Leave memory for so many planes, a quarter of the free one."""
    free = int(4 * n_planes * 8 * 9 * 2)
    monkeypatch.setattr(hardware, "free_memory", lambda: free)


def read_all(on_disk: OnDisk) -> list[int]:
    """Read plane by plane; return how many planes were read each time."""
    reader = LazyReader(on_disk, ALL, axis=1, plane_size=8 * 9)
    assert on_disk.n_read == []
    for index in np.ndindex(2, 7):
        np.testing.assert_array_equal(reader[(*index, *PLANE)], IMAGE[index])
    return on_disk.n_read


@pytest.mark.parametrize(
    ("n_affordable", "chunks", "expected"),
    [
        (14, (1, 3, 8, 9), [14]),
        (13, (1, 3, 8, 9), [3, 3, 1, 3, 3, 1]),
        (13, ((1, 1), (3, 3, 1), (8,), (9,)), [3, 3, 1, 3, 3, 1]),
        (2, (1, 3, 8, 9), [2, 2, 2, 1, 2, 2, 2, 1]),
        (0, (1, 3, 8, 9), [1] * 14),
        (13, None, [1] * 14),
    ],
    ids=["all", "chunks", "chunks of Dask", "parts of chunks", "planes", "no chunks"],
)
def test_as_much_is_read_as_memory_allows(
    n_affordable: float,
    chunks: object,
    expected: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_fit(monkeypatch, n_affordable)
    assert read_all(OnDisk(chunks)) == expected


def test_a_single_image_too_large_to_keep_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_fit(monkeypatch, 0)
    on_disk = OnDisk()
    reader = LazyReader(on_disk, ALL, axis=None, plane_size=IMAGE.size)
    for _ in range(2):
        np.testing.assert_array_equal(reader[(slice(None),) * 4], IMAGE)
    assert on_disk.n_read == [14, 14]


def test_a_part_can_be_read_alone() -> None:
    on_disk = OnDisk()
    reader = LazyReader(on_disk, ALL, axis=1, plane_size=8 * 9)
    np.testing.assert_array_equal(reader.take((1, 2, *PLANE)), IMAGE[1, 2])
    assert on_disk.n_read == [1]


def test_a_file_that_was_closed_is_told_of(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "image.h5", "w") as file:
        data = file.create_dataset("image", data=IMAGE)
        reader = LazyReader(data, ALL, axis=1, plane_size=8 * 9)
    with pytest.raises(ImageError, match=r"can be read. Received: .+Open the image"):
        reader[(0, 0, *PLANE)]


def test_only_the_chosen_channel_is_read() -> None:
    on_disk = OnDisk()
    reader = LazyReader(on_disk, (1, *ALL[1:]), axis=1, plane_size=8 * 9)
    for place in range(7):
        np.testing.assert_array_equal(reader[(1, place, *PLANE)], IMAGE[1, place])
    assert on_disk.n_read == [7]


def test_what_is_no_array_becomes_one() -> None:
    on_disk = OnDisk()
    assert as_array_like(on_disk) is on_disk
    assert as_array_like([[1, 2]]).shape == (1, 2)


class Odd:
    """Array of a type that NumPy does not know."""

    shape = (2, 3)
    dtype = "odd.float32"

    def __array__(self, *_: object, **__: object) -> NDArray[np.float32]:
        return np.ones((2, 3), np.float32)


def test_an_array_of_another_library_becomes_one() -> None:
    assert isinstance(as_array_like(Odd()), np.ndarray)


class Broken:
    """Array that says why it cannot be read, at length, or has no room."""

    dtype = np.uint8

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def shape(self) -> tuple[int, ...]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            OSError("no disk\nat all"),
            r"Received: OSError: no disk\. Open the",
        ),
        (MemoryError(), r"one that does not\. Cut it into pieces"),
        (ValueError(), r"Received: ValueError\. Open the image again"),
        (MemoryError("9 GB"), r"that fits into memory.*\(9 GB\)\. Cut it into pieces"),
    ],
)
def test_why_an_array_cannot_be_read_is_said_in_one_line(
    error: Exception, expected: str
) -> None:
    with pytest.raises(ImageError, match=expected):
        as_array_like(Broken(error))
