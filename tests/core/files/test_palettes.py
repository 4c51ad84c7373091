"""Label images with a palette: what counts is the index of a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet_nuclei.core.files.label_reading import (
    read_labels,
    read_mask,
    read_nuclei,
)

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

LABELS = np.zeros((20, 20), np.uint8)
LABELS[2:8, 2:8] = 1
LABELS[2:8, 8:14] = 2
LABELS[12:18, 2:8] = 3


def save_palette(path: Path, indices: NDArray[Any], colours: list[list[int]]) -> None:
    if path.suffix == ".tif":
        colormap = np.zeros((3, 256), np.uint16)
        colormap[:, : len(colours)] = np.array(colours).T * 257
        tifffile.imwrite(path, indices, photometric="palette", colormap=colormap)
        return
    image = Image.fromarray(indices)
    image.putpalette(np.array(colours, np.uint8).tobytes())
    image.save(path)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
@pytest.mark.parametrize(
    "colours",
    [
        [[255, 255, 255], [200, 0, 0], [0, 200, 0], [0, 0, 200]],  # white behind
        [[0, 0, 0], [255, 255, 255], [255, 255, 255], [128, 128, 128]],  # one grey
        [[255, 255, 255], [0, 0, 0], [0, 0, 0], [0, 0, 0]],  # black on white
        [[0, 0, 0], [60, 60, 60], [30, 30, 30], [90, 90, 90]],  # another order
    ],
)
def test_of_a_palette_the_indices_are_the_numbers(
    tmp_path: Path, suffix: str, colours: list[list[int]]
) -> None:
    path = tmp_path / f"a.{suffix}"
    save_palette(path, LABELS, colours)
    np.testing.assert_array_equal(read_labels(path), LABELS)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_white_background_is_none_even_without_nuclei(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    save_palette(path, np.zeros((9, 9), np.uint8), [[255, 255, 255], [0, 0, 0]])
    assert not read_nuclei(path).any()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_masks_of_one_nucleus_follow_the_same_rule(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    mask = np.asarray(LABELS == 1, np.uint8)
    save_palette(path, mask, [[255, 255, 255], [0, 0, 0]])
    np.testing.assert_array_equal(read_mask(path), mask)
