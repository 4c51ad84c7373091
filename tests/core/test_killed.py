"""A process is killed before each call that changes a folder, one after the other.

What it leaves may be the old, the new or nothing that is taken for either; the next
process that writes there brings back a whole, and leaves nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    pytest.skip("Windows knows no SIGKILL", allow_module_level=True)

PROGRAM = """
import json, os, shutil, signal, sys
from pathlib import Path
import numpy as np
from PIL import Image
from napari_unet_nuclei.core.datasets import dsb2018_writing
from napari_unet_nuclei.core.writing import leftovers
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.datasets.opening import open_samples

folder, with_image, later = Path(sys.argv[1]), sys.argv[2] == "sample", sys.argv[3]
shape = 40, 60
image = np.arange(2400, dtype=np.uint8).reshape(shape)
one, other = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
for k in range(4):
    one[5:15, 10 * k : 10 * k + 8] = k + 1
for k in range(3):
    other[20:30, 10 * k : 10 * k + 8] = k + 1

def write(name, pixels, labels):
    if with_image:
        dsb2018_writing.write_dsb2018_sample(folder, name, pixels, labels)
    else:
        dsb2018_writing.write_dsb2018_masks(folder, name, labels)

def killing(number):
    calls = 0
    def wrap(real):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)
        return call
    for name in ("rename", "replace", "mkdir", "unlink", "rmdir", "makedirs"):
        setattr(os, name, wrap(getattr(os, name)))
    Image.Image.save = wrap(Image.Image.save)

def state():
    try:
        sample = open_samples(folder).read_sample("s")
    except UNetNucleiError:
        return "unreadable"
    new_image = 255 - image if with_image else image
    for name, pixels, labels in (("old", image, one), ("new", new_image, other)):
        is_same = np.array_equal(sample.image, pixels)
        if is_same and np.array_equal(sample.labels, labels):
            return name
    return f"wrong: {sample.labels.max()} nuclei"

answers = []
for number in range(1, 500):
    shutil.rmtree(folder, ignore_errors=True)
    if "old" in later:
        dsb2018_writing.write_dsb2018_sample(folder, "s", image, one)
        (folder / "s/notes.txt").write_text("mine")
        (folder / "s/masks/.hidden").write_text("mine")
    leftovers._cleared.clear()
    child = os.fork()
    if child == 0:
        killing(number)
        write("s", 255 - image, other)
        os._exit(0)
    was_killed = os.waitpid(child, 0)[1] != 0
    found = [state()]
    if "old" in later:
        assert (folder / "s/notes.txt").read_text() == "mine"
    write("t", image, one)
    shutil.rmtree(folder / "t")
    found.append(state())
    found.append(sorted(path.name for path in folder.iterdir()))
    if "old" in later:
        assert (folder / "s/masks/.hidden").read_text() == "mine"
    answers.append(found)
    if not was_killed:
        break
print(json.dumps(answers))
"""


def kill_everywhere(*arguments: object) -> list[tuple[str, str, list[str]]]:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    answers = json.loads(answer.stdout)
    assert len(answers) > 10
    return [tuple(each) for each in answers]


@pytest.mark.parametrize("kind", ["sample", "masks"])
def test_a_sample_that_is_replaced_is_never_half(tmp_path: Path, kind: str) -> None:
    answers = kill_everywhere(tmp_path / "data", kind, "old")
    at_once = [each[0] for each in answers]
    assert set(at_once) == {"old", "unreadable", "new"}
    assert at_once == sorted(at_once, key=["old", "unreadable", "new"].index)
    assert [each[1] for each in answers if each[1] not in ("old", "new")] == []
    assert {name for each in answers for name in each[2]} == {"s"}


def test_a_first_sample_is_whole_or_absent(tmp_path: Path) -> None:
    answers = kill_everywhere(tmp_path / "data", "sample", "none")
    assert {each[0] for each in answers} == {"unreadable", "new"}
    assert {tuple(each[2]) for each in answers} == {(), ("s",)}
