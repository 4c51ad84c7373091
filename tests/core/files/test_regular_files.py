"""Pipes, sockets and devices in place of files; a reader that waits is killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from napari_unet_nuclei.core.files.regular_files import check_regular

pytestmark = pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="only Unix has pipes with names"
)

READERS = {
    "x.zip": "inputs.find_inputs([path])",
    "y.zip": "samples.open_samples(path)",
    "z.zip": "dsb2018_layout.is_dsb2018(path), zip_files.ZipFiles(path)",
    "w.zip": "zip_files.is_broken_zip(path), open_collection(path)",
    "x.png": "image_files.read_image(path)",
    "x.tif": "label_files.read_labels(path)",
    "x.csv": "rle.read_rle_table(path)",
    "y.csv": "open_collection(path)",
    "ids.txt": "splits.read_ids(path)",
    "split.json": "splits.read_split(f'{path}:val')",
    "x.unetnuclei": "bundles.read_bundle(path)",
    "y.unetnuclei": "model_store.find_model(path)",
    "x.h5": "keras_files.read_keras_file(path)",
    "x.keras": "keras_files.read_keras_file(path)",
    "x.state.npz": "training_state.read_state(path.with_name('x.unetnuclei'))",
    "data": "samples.open_samples(path)",
    "more": "open_collection(path)",
}
PROGRAM = """
import json, sys
from pathlib import Path
from napari_unet_nuclei.core.models import bundle as bundles
from napari_unet_nuclei.core.datasets import dsb2018_layout
from napari_unet_nuclei.core.files import images as image_files
from napari_unet_nuclei.core.batch import inputs
from napari_unet_nuclei.core.conversion import keras_files
from napari_unet_nuclei.core.files import labels as label_files
from napari_unet_nuclei.core.datasets import splits, zip_files
from napari_unet_nuclei.core.models import store as model_store
from napari_unet_nuclei.core.files import rle
from napari_unet_nuclei.core.datasets import opening as samples
from napari_unet_nuclei.core.training import state as training_state
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.datasets.label_collections import open_collection
for folder in map(Path, sys.argv[2:]):
    for name, call in json.loads(sys.argv[1]).items():
        path = folder / name
        print(folder.name, name, "waits", flush=True)
        try:
            eval(call)
        except UNetNucleiError as error:
            print(folder.name, name, "ok" if name in str(error) else error, flush=True)
        else:
            print(folder.name, name, "is read", flush=True)
"""


def make(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    else:
        path.symlink_to("/dev/zero")


def test_no_reader_waits_for_a_pipe_or_reads_a_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    folders = [tmp_path / kind for kind in ("pipe", "socket", "device")]
    for folder in folders:
        folder.mkdir()
        monkeypatch.chdir(folder)  # names of sockets must be short
        for name in READERS:
            make(folder.name, folder / name)
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(READERS), *map(str, folders)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert answer.returncode == 0, answer.stderr
    last = dict(line.rsplit(" ", 1) for line in answer.stdout.splitlines())
    names = [f"{folder.name} {name}" for folder in folders for name in READERS]
    assert last == dict.fromkeys(names, "ok")


def test_a_pipe_among_the_models_is_not_listed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.unetnuclei")
    program = (
        "from pathlib import Path; import sys\n"
        "from napari_unet_nuclei.core.models import store as model_store\n"
        "model_store.user_model_folder = lambda: Path(sys.argv[1])\n"
        "print(list(model_store.user_models()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert answer.stdout == "[]\n"


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in (
        (tmp_path / "pipe", "a pipe"),
        (Path(os.devnull), "a device"),
    ):
        with pytest.raises(OSError, match=f"^it is {kind}, not a file$"):
            check_regular(path)
    with pytest.raises(IsADirectoryError):
        check_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        check_regular(tmp_path / "absent")


def test_a_huge_file_of_holes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    check_regular(path, 0)
    os.truncate(path, 10**12)
    check_regular(path)
    with pytest.raises(OSError, match=r"^it has 1,000,000,000,000 bytes, more than"):
        check_regular(path, 10**9)
