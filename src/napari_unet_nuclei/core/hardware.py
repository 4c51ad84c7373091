"""Memory and processors that this process may use, often less than the computer has.

A container, a job of a cluster or ``ulimit`` may allow less than the host has, and a
process that takes more is killed or starved.  So everything that plans with memory or
with threads asks here.  Devices that networks run on are found in
:mod:`~napari_unet_nuclei.core.engines.devices`.
"""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil

from napari_unet_nuclei.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSORS_VARIABLE = "NAPARI_UNET_NUCLEI_PROCESSORS"
"""Environment variable with the processors that this process may keep busy."""

HARMLESS = 100_000_000  # bytes; for less, the limits are not read
_ROOT = Path("/")
_UNLIMITED = 1 << 60  # bytes; version 1 writes the largest page number for no limit


class Memory(NamedTuple):
    """Memory within one limit.

    Parameters
    ----------
    total : int, in bytes
        The limit; for the host, the memory it has.
    free : int, in bytes
        What can still be taken.
    is_enforced : bool
        Whether a process that takes more is ended or refused, where a host would
        begin to swap.
    """

    total: int
    free: int
    is_enforced: bool


def memory(root: Path = _ROOT) -> Memory:
    """Find how much memory this process may use.

    Parameters
    ----------
    root : Path
        Folder that holds ``proc`` and ``sys``.

    Returns
    -------
    Memory
        The smallest total and the smallest rest of the host, of all control groups
        around this process and of its own limits; swap is left out.
    """
    limits = [_host_memory(), *_group_memory(root), *_own_memory(root)]
    tightest = min(limits, key=lambda limit: limit.free)
    return tightest._replace(total=min(limit.total for limit in limits))


def free_memory() -> int:
    """Memory that can be taken without swapping or being ended, in bytes."""
    return memory().free


def total_memory() -> int:
    """Memory that this process could have at best, in bytes."""
    return memory().total


def is_memory_limited() -> bool:
    """Whether a process that takes more than the free memory is ended or refused."""
    return memory().is_enforced


def check_room(n_bytes: int, purpose: str) -> None:
    """Refuse what a container or ``ulimit`` would end the process for.

    Parameters
    ----------
    n_bytes : int
        Memory that is about to be taken.
    purpose : str
        What for, for the message.

    Raises
    ------
    ImageError
        If so much is not left to this process.
    """
    if n_bytes > HARMLESS and is_memory_limited():
        free = free_memory()
        if n_bytes > free:
            raise ImageError(
                f"Expected an image that fits into memory. Received: one of which "
                f"{purpose} takes {n_bytes / 1e9:.1f} GB, where this process may take "
                f"{free / 1e9:.1f} GB more. Cut it into pieces, or raise the limit of "
                "its container."
            )


def n_processors(root: Path = _ROOT) -> int:
    """Processors that this process may keep busy.

    Parameters
    ----------
    root : Path
        Folder that holds ``proc`` and ``sys``.

    Returns
    -------
    int
        At least one: those it may run on, or what the quota of a control group
        allows, rounded up, or fewer where ``NAPARI_UNET_NUCLEI_PROCESSORS`` says so.
    """
    quotas = [math.ceil(quota) for quota in _quotas(root)]
    asked = os.environ.get(PROCESSORS_VARIABLE, "")
    if asked.isdecimal():
        quotas.append(int(asked))
    return max(1, min([available_processors(), *quotas]))


def available_processors() -> int:
    """Processors that this process may run on, quotas left out."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _host_memory() -> Memory:
    host = psutil.virtual_memory()
    return Memory(int(host.total), int(host.available), is_enforced=False)


def _own_memory(root: Path) -> Iterator[Memory]:
    """Read the limits that ``ulimit`` sets, where the kernel enforces them."""
    if sys.platform == "win32":
        return
    import resource

    used = _read_table(root / "proc/self/status")
    for limit, name in (
        (resource.RLIMIT_AS, "VmSize:"),
        (resource.RLIMIT_DATA, "VmData:"),
    ):
        total, _ = resource.getrlimit(limit)
        if total != resource.RLIM_INFINITY and name in used:
            free = total - used[name] * 1024
            yield Memory(total, max(0, free), is_enforced=True)


def _group_memory(root: Path) -> Iterator[Memory]:
    """Read the limit of each control group that this process is in."""
    for folder in _groups(root, "memory"):
        if (folder / "memory.usage_in_bytes").exists():
            yield from _memory_v1(folder)
        else:
            yield from _memory_v2(folder)


def _memory_v1(folder: Path) -> Iterator[Memory]:
    statistics = _read_table(folder / "memory.stat")
    limits = [
        _read_number(folder / "memory.limit_in_bytes"),
        statistics.get("hierarchical_memory_limit"),  # of groups that are out of sight
    ]
    used = _read_number(folder / "memory.usage_in_bytes")
    reclaimable = statistics.get("total_inactive_file", 0)
    yield from _within(limits, used, reclaimable)


def _memory_v2(folder: Path) -> Iterator[Memory]:
    limits = [_read_number(folder / name) for name in ("memory.max", "memory.high")]
    used = _read_number(folder / "memory.current")
    reclaimable = _read_table(folder / "memory.stat").get("inactive_file", 0)
    yield from _within(limits, used, reclaimable)


def _within(
    limits: list[int | None], used: int | None, reclaimable: int
) -> Iterator[Memory]:
    """Give the smallest of some limits, unless there is none."""
    known = [limit for limit in limits if limit is not None and limit < _UNLIMITED]
    if known:
        total = min(known)
        free = total - max(0, (used or 0) - reclaimable)
        yield Memory(total, max(0, free), is_enforced=True)


def _quotas(root: Path) -> Iterator[float]:
    """Processors that each control group around this process allows."""
    for folder in _groups(root, "cpu"):
        with suppress(OSError, ValueError, ZeroDivisionError):
            if (folder / "cpu.cfs_quota_us").exists():
                quota = int((folder / "cpu.cfs_quota_us").read_text())
                period = int((folder / "cpu.cfs_period_us").read_text())
            else:
                quota, period = map(int, (folder / "cpu.max").read_text().split())
            if quota > 0:
                yield quota / period


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups of this process, the innermost first.

    Of both versions, as either may hold the controller.  In a container the path of
    the group may be one of the host, which is not there; then the mount is the group.
    """
    mounts = list(_mounts(root, controller))
    for line in _read_lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_v2 = number == "0" and not controllers
        if not is_v2 and controller not in controllers.split(","):
            continue
        for mounted_v2, mounted, mount in mounts:
            if mounted_v2 == is_v2:
                yield from _upwards(mount, _relative(path, mounted))


def _mounts(root: Path, controller: str) -> Iterator[tuple[bool, str, Path]]:
    """Where groups are mounted: version 2 or not, the group mounted, and the folder."""
    for line in _read_lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(kind) < 3:
            continue
        is_v1 = kind[0] == "cgroup" and controller in kind[2].split(",")
        if is_v1 or kind[0] == "cgroup2":
            yield not is_v1, fields[3], root / _unescape(fields[4]).lstrip("/")


def _unescape(path: str) -> str:
    """Undo what the kernel writes for spaces in paths."""
    return path.replace("\\040", " ")


def _relative(path: str, mounted: str) -> str:
    """Path of a group below what is mounted; empty where it is not below."""
    parts, around = (Path(each).parts for each in (path, mounted))
    if parts[: len(around)] != around or ".." in parts:
        return ""
    return "/".join(parts[len(around) :])


def _upwards(mount: Path, relative: str) -> Iterator[Path]:
    """Give the folder of a group and of all around it, as far as they are there."""
    folder = mount / relative
    while True:
        if folder.is_dir():
            yield folder
        if folder == mount:
            return
        folder = folder.parent


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not on Linux
        return []


def _read_table(path: Path) -> dict[str, int]:
    """Read lines of a name and a number."""
    table = {}
    for line in _read_lines(path):
        name, *values = line.split()[:2] or [""]
        if values and values[0].isdecimal():
            table[name] = int(values[0])
    return table


def _read_number(path: Path) -> int | None:
    """Read a file that holds one number; ``None`` for "max", and without the file."""
    lines = _read_lines(path)
    return int(lines[0]) if lines and lines[0].strip().isdecimal() else None
