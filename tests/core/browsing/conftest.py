"""A folder of images as microscopes leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three images, in order, and a file that is none."""
    folder = tmp_path / "cells"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        tifffile.imwrite(
            folder / f"{name}.tif", rng.integers(0, 255, (40, 60), np.uint8)
        )
    (folder / "broken.tif").write_bytes(b"II*\0 no more")
    return folder
