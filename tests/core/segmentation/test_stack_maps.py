"""Maps of stacks go where there is room, and come back as they were."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.segmentation.stack_maps import StackMaps

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

SHAPE = (30, 40)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the memory hold the maps of three planes, and half of it of one."""
    free = 3 * 3 * 4 * SHAPE[0] * SHAPE[1]
    monkeypatch.setattr(hardware, "free_memory", lambda: free)


def make_maps(seed: int, *, is_complete: bool = True) -> Maps:
    planes = np.random.default_rng(seed).random((3, *SHAPE)).astype(np.float32)
    if not is_complete:
        return Maps(planes[0], None, planes[2], scale=0.5 + seed)
    # As an engine hands them out: not in the order they have in memory.
    return Maps(*np.asfortranarray(planes), scale=0.5 + seed)


def keep(maps: list[Maps]) -> list[Maps]:
    stack = StackMaps(len(maps))
    for each in maps:
        stack.append(each)
    return stack.to_list()


def test_maps_stay_in_memory_where_there_is_room(folder: Path) -> None:
    maps = [make_maps(seed) for seed in range(3)]
    kept = keep(maps)
    assert all(one is other for one, other in zip(maps, kept, strict=True))


@pytest.mark.parametrize("is_complete", [True, False])
@pytest.mark.usefixtures("scarce")
def test_maps_come_back_from_a_file_as_they_were(
    folder: Path, is_complete: bool
) -> None:
    maps = [make_maps(seed, is_complete=is_complete) for seed in range(4)]
    kept = keep(maps)
    assert len(kept) == 4
    for one, other in zip(maps, kept, strict=True):
        assert one.scale == other.scale
        for before, after in zip(one[:3], other[:3], strict=True):
            np.testing.assert_array_equal(before, after)
            assert before is not after or before is None


def test_a_single_plane_needs_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda: 0)
    maps = make_maps(0)
    assert keep([maps])[0] is maps


@pytest.mark.usefixtures("scarce")
def test_nothing_is_left_of_the_file(folder: Path) -> None:
    kept = keep([make_maps(seed) for seed in range(4)])
    in_file = kept[2].foreground
    assert not in_file.flags.writeable
    if os.name == "posix":
        assert list(folder.iterdir()) == []
    del kept, in_file
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("scarce")
def test_a_disk_that_is_too_small_is_named_before_the_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ImageError, match=r"4 planes .*\(0\.0 GB are free\).* TMPDIR"):
        StackMaps(4).append(make_maps(0))


@pytest.mark.usefixtures("scarce")
def test_maps_of_another_type_come_back_as_numbers(folder: Path) -> None:
    maps = [Maps(np.full(SHAPE, each / 7)) for each in range(12)]
    for before, after in zip(maps, keep(maps), strict=True):
        np.testing.assert_allclose(after.foreground, before.foreground, rtol=1e-6)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full disk")
@pytest.mark.usefixtures("scarce")
def test_a_full_disk_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_full(**_: object) -> IO[bytes]:
        return open("/dev/full", "wb")

    monkeypatch.setattr(tempfile, "TemporaryFile", open_full)
    stack = StackMaps(4)
    with pytest.raises(ImageError, match=r"4 planes .* 0\.0 GB.*\(No space left"):
        stack.append(make_maps(0))


@pytest.mark.usefixtures("scarce")
def test_a_folder_that_is_gone_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "gone"))
    with pytest.raises(ImageError, match=r"takes \(No such file .* set TMPDIR"):
        StackMaps(4).append(make_maps(0))
