"""Memory and processors are the least that host, containers and ulimit allow."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.hardware import (
    Memory,
    free_memory,
    memory,
    n_processors,
    total_memory,
)

if TYPE_CHECKING:
    from pathlib import Path

GB = 1_000_000_000
V1 = "30 20 0:26 {root} /sys/fs/cgroup/{name} rw shared:9 - cgroup cgroup rw,{name}"
V2 = "31 20 0:27 {root} /sys/fs/cgroup rw - cgroup2 cgroup rw"
NO_LIMIT_V1 = 9223372036854771712


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host of 64 GB, of which 50 are free, and of 16 processors."""
    memory = SimpleNamespace(total=64 * GB, available=50 * GB)
    monkeypatch.setattr(hardware.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(hardware, "available_processors", lambda: 16)


def write(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return root


def v1(root: Path, path: str, mounted: str = "/", name: str = "memory") -> Path:
    mount = V1.format(root=mounted, name=name)
    files = {"proc/self/cgroup": f"4:{name}:{path}", "proc/self/mountinfo": mount}
    return write(root, files)


def v2(root: Path, path: str, mounted: str = "/") -> Path:
    mount = V2.format(root=mounted)
    return write(root, {"proc/self/cgroup": f"0::{path}", "proc/self/mountinfo": mount})


def test_without_limits_memory_is_that_of_the_host(tmp_path: Path) -> None:
    assert memory(tmp_path) == Memory(64 * GB, 50 * GB, is_enforced=False)
    assert n_processors(tmp_path) == 16


def test_a_group_of_version_1_limits_and_its_cache_is_free(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/memory/job"
    files = {
        f"{group}/memory.limit_in_bytes": 3 * GB,
        f"{group}/memory.usage_in_bytes": 2 * GB,
        f"{group}/memory.stat": f"cache 1\ntotal_inactive_file {GB // 2}",
    }
    write(v1(tmp_path, "/job"), files)
    assert memory(tmp_path) == Memory(3 * GB, 3 * GB // 2, is_enforced=True)


def test_a_group_of_version_1_without_a_limit_changes_nothing(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/memory"
    files = {
        f"{group}/memory.limit_in_bytes": NO_LIMIT_V1,
        f"{group}/memory.usage_in_bytes": 2 * GB,
        f"{group}/memory.stat": f"hierarchical_memory_limit {NO_LIMIT_V1}",
    }
    write(v1(tmp_path, "/"), files)
    assert memory(tmp_path) == Memory(64 * GB, 50 * GB, is_enforced=False)


def test_groups_around_that_are_out_of_sight_limit_too(tmp_path: Path) -> None:
    # As Docker mounts it: the path is one of the host, the mount the group itself.
    group = "sys/fs/cgroup/memory"
    files = {
        f"{group}/memory.limit_in_bytes": NO_LIMIT_V1,
        f"{group}/memory.usage_in_bytes": GB,
        f"{group}/memory.stat": f"hierarchical_memory_limit {5 * GB}",
    }
    write(v1(tmp_path, "/docker/5f", "/docker/5f"), files)
    assert memory(tmp_path) == Memory(5 * GB, 4 * GB, is_enforced=True)


@pytest.mark.parametrize("mounted", ["/", "/elsewhere"])
def test_the_path_of_another_name_space_is_not_looked_for(
    tmp_path: Path, mounted: str
) -> None:
    files = {
        "sys/fs/cgroup/memory.max": 2 * GB,
        "sys/fs/cgroup/memory.current": GB // 2,
    }
    write(v2(tmp_path, "/kubepods/../pod7", mounted), files)
    assert memory(tmp_path) == Memory(2 * GB, 3 * GB // 2, is_enforced=True)


def test_the_tightest_of_all_groups_of_version_2_counts(tmp_path: Path) -> None:
    outer, inner = "sys/fs/cgroup/user.slice", "sys/fs/cgroup/user.slice/job"
    files = {
        f"{outer}/memory.max": 8 * GB,
        f"{outer}/memory.current": 7 * GB,
        f"{outer}/memory.stat": f"anon 5\ninactive_file {GB // 4}",
        f"{inner}/memory.max": 4 * GB,
        f"{inner}/memory.current": GB,
    }
    write(v2(tmp_path, "/user.slice/job"), files)
    assert memory(tmp_path) == Memory(4 * GB, 5 * GB // 4, is_enforced=True)


def test_a_group_is_slowed_down_from_its_high_mark_on(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/job"
    files = {
        f"{group}/memory.max": "max",
        f"{group}/memory.high": 2 * GB,
        f"{group}/memory.current": 3 * GB,
    }
    write(v2(tmp_path, "/job"), files)
    assert memory(tmp_path) == Memory(2 * GB, 0, is_enforced=True)


def test_both_versions_side_by_side(tmp_path: Path) -> None:
    root = v1(tmp_path, "/job")
    mounts = (root / "proc/self/mountinfo").read_text()
    unified = V2.format(root="/").replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    files = {
        "proc/self/cgroup": "4:memory:/job\n0::/",
        "proc/self/mountinfo": f"{mounts}{unified}\nnothing to read",
        "sys/fs/cgroup/memory/job/memory.limit_in_bytes": 2 * GB,
        "sys/fs/cgroup/memory/job/memory.usage_in_bytes": GB,
        "sys/fs/cgroup/unified/cgroup.procs": 1,
    }
    write(root, files)
    assert memory(root) == Memory(2 * GB, GB, is_enforced=True)


@pytest.mark.parametrize("content", ["", "much", "-3", "\x00"])
def test_what_cannot_be_read_is_no_limit(tmp_path: Path, content: str) -> None:
    files = {
        "sys/fs/cgroup/memory.max": content,
        "sys/fs/cgroup/memory.current": content,
        "sys/fs/cgroup/cpu.max": content,
    }
    write(v2(tmp_path, "/"), files)
    assert memory(tmp_path).total == 64 * GB
    assert n_processors(tmp_path) == 16


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("150000 100000", 2), ("10000 100000", 1), ("max 100000", 16), ("99 0", 16)],
)
def test_a_quota_of_version_2_limits_processors(
    tmp_path: Path, quota: str, expected: int
) -> None:
    write(v2(tmp_path, "/job"), {"sys/fs/cgroup/job/cpu.max": quota})
    assert n_processors(tmp_path) == expected


@pytest.mark.parametrize(("quota", "expected"), [(300_000, 3), (-1, 16)])
def test_a_quota_of_version_1_limits_processors(
    tmp_path: Path, quota: int, expected: int
) -> None:
    group = "sys/fs/cgroup/cpu/job"
    files = {f"{group}/cpu.cfs_quota_us": quota, f"{group}/cpu.cfs_period_us": 100_000}
    write(v1(tmp_path, "/job", name="cpu"), files)
    assert n_processors(tmp_path) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_the_limits_of_a_process_count_less_what_it_uses(limit: str) -> None:
    code = (
        "import resource\n"
        "from napari_unet_nuclei.core.hardware import memory\n"
        f"resource.setrlimit(resource.{limit}, (4 * 10**9, 4 * 10**9))\n"
        "total, free, is_enforced = memory()\n"
        "assert total <= 4 * 10**9 and 0 < free < total and is_enforced"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_this_computer_has_memory() -> None:
    assert 0 < free_memory() <= total_memory() <= 64 * GB


def test_processors_can_be_shared_with_other_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(hardware.PROCESSORS_VARIABLE, "1")
    assert hardware.n_processors() == 1
    monkeypatch.setenv(hardware.PROCESSORS_VARIABLE, "many")
    assert hardware.n_processors() >= 1
