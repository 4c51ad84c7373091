"""Where downloads are put, and when a data set is downloaded at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets import downloads
from napari_unet_nuclei.core.datasets.downloads import fetch
from napari_unet_nuclei.core.datasets.online_sets import DATA_SETS
from napari_unet_nuclei.core.datasets.transfer import (
    DownloadError,
)
from napari_unet_nuclei.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "tiny"
CONTENT = np.random.default_rng(0).bytes(100_000)  # what the server of conftest sends


@pytest.mark.parametrize("path", ["/good", "/unsized", "/redirected"])
def test_a_data_set_is_downloaded_once(
    path: str, offer: Callable[..., None], server: Any, cache: Path
) -> None:
    offer(path)
    found = fetch(NAME)
    assert found == cache / "tiny.zip"
    assert found.read_bytes() == CONTENT
    assert os.listdir(cache) == ["tiny.zip"]
    asked = list(server.asked)
    assert fetch(NAME) == found
    assert server.asked == asked


def test_the_folder_can_be_chosen(
    offer: Callable[..., None],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer("/good")
    monkeypatch.chdir(tmp_path)
    assert fetch(NAME, "here/there") == tmp_path / "here" / "there" / "tiny.zip"
    assert not cache.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_others_may_read_what_was_downloaded(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/good")
    (cache.parent / "plain").touch()
    rights = stat.S_IMODE((cache.parent / "plain").stat().st_mode)
    assert stat.S_IMODE(fetch(NAME).stat().st_mode) == rights


def test_a_half_file_from_elsewhere_is_replaced(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/good")
    cache.mkdir()
    (cache / "tiny.zip").write_bytes(CONTENT[:1000])
    assert fetch(NAME).read_bytes() == CONTENT


def test_a_half_file_from_elsewhere_is_not_used_offline(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/absent")
    cache.mkdir()
    (cache / "tiny.zip").write_bytes(CONTENT[:1000])
    with pytest.raises(DownloadError, match="404"):
        fetch(NAME)


def test_a_killed_download_leaves_nothing_that_is_used(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/stalling")
    program = (
        "import sys; from pathlib import Path\n"
        "from napari_unet_nuclei.core.datasets import downloads\n"
        "data_set = downloads.OnlineDataSet(\n"
        "    url=sys.argv[2], sha256=sys.argv[3])\n"
        "downloads.DATA_SETS = {sys.argv[1]: data_set}\n"
        "downloads.fetch(sys.argv[1], Path(sys.argv[4]),\n"
        "    progress=lambda n_bytes, size: print(n_bytes, flush=True))\n"
    )
    data_set = downloads.DATA_SETS[NAME]
    with subprocess.Popen(
        [sys.executable, "-c", program, NAME, data_set.url, data_set.sha256, cache],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) > 0:
                break
        child.kill()
    assert len(os.listdir(cache)) == 1
    assert not (cache / "tiny.zip").exists()
    offer("/good")
    assert fetch(NAME).read_bytes() == CONTENT
    assert os.listdir(cache) == ["tiny.zip"]


def test_several_downloads_at_once_do_not_meet(
    offer: Callable[..., None], server: Any, cache: Path
) -> None:
    offer("/good")
    everybody_has_begun = threading.Barrier(4)

    def fetch_with_others(_: int) -> Path:
        steps = iter((everybody_has_begun.wait,))

        def wait(n_bytes: int, size: int | None) -> None:
            for step in steps:
                step(30)

        return fetch(NAME, progress=wait)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fetch_with_others, range(4)))
    assert set(found) == {cache / "tiny.zip"}
    assert len(server.asked) == 4
    assert found[0].read_bytes() == CONTENT
    assert os.listdir(cache) == ["tiny.zip"]


def test_a_zip_may_lie_beside_a_folder_of_its_name(
    offer: Callable[..., None], cache: Path
) -> None:
    offer("/good")
    (cache / NAME).mkdir(parents=True)
    assert fetch(NAME) == cache / "tiny.zip"


def test_a_folder_that_cannot_be_made_is_one_sentence(
    offer: Callable[..., None], tmp_path: Path
) -> None:
    offer("/good")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"Expected a place to write to.*file"):
        fetch(NAME, tmp_path / "file")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    known = "dsb2018_fluorescence, stage1_train, tnbc, .*. Received: cells. Choose"
    with pytest.raises(DownloadError, match=known):
        fetch("cells")


def test_nothing_is_written_to_the_terminal(
    offer: Callable[..., None], cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    offer("/good")
    fetch(NAME)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_what_is_offered_is_safe_to_fetch() -> None:
    for data_set in DATA_SETS.values():
        assert data_set.url.startswith("https://")
        n_bytes = {"sha256": 32, "md5": 16}[data_set.algorithm]
        assert len(bytes.fromhex(data_set.digest)) == n_bytes
        assert data_set.algorithm == "sha256" or data_set.host == "zenodo.org"
        assert "test" not in (data_set.part or "")
        assert data_set.source["licence"] in ("CC0-1.0", "CC-BY-4.0")
        assert data_set.source["paper"]


def test_a_file_of_the_user_with_the_name_of_the_zip_stays(
    offer: Callable[..., None], server: Any, cache: Path, tmp_path: Path
) -> None:
    offer("/good")
    own = tmp_path / "data" / "tiny.zip"
    own.parent.mkdir()
    own.write_text("precious")
    with pytest.raises(OutputError, match=r"tiny\.zip, which exists.*--overwrite"):
        fetch(NAME, own.parent)
    assert own.read_text() == "precious"
    assert server.asked == []
    assert fetch(NAME, own.parent, overwrite=True) == own
    assert own.read_bytes() == CONTENT
    assert fetch(NAME, own.parent) == own
    # In the cache it can only be damaged, and is downloaded again.
    cache.mkdir(parents=True)
    (cache / "tiny.zip").write_text("damaged")
    assert fetch(NAME).read_bytes() == CONTENT
