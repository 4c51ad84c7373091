from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.datasets.sources import SOURCE_FILE, read_source

if TYPE_CHECKING:
    from pathlib import Path


def test_licence_and_origin_are_read(tmp_path: Path) -> None:
    content = {"licence": "CC0-1.0", "paper": "x" * 900, "bytes": 3, "other": "no"}
    (tmp_path / SOURCE_FILE).write_text(json.dumps(content))
    assert read_source(tmp_path) == {"licence": "CC0-1.0", "paper": "x" * 500}


@pytest.mark.parametrize("content", [None, b"[1]", b"{", b"\xff\xfe", b"[" * 90_000])
def test_what_cannot_be_read_says_nothing(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / SOURCE_FILE).write_bytes(content)
    assert read_source(tmp_path) == {}
    assert read_source(tmp_path / SOURCE_FILE) == {}
