"""``segment --link``: nuclei keep their number from plane to plane of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet_nuclei.core.datasets.drawn.volumes import VolumeLook, draw_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Five nuclei or so in ten planes, whose distance no header names."""
    image, _ = draw_volume(3, (10, 96, 96), VolumeLook(spacing=3.0))
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, image, imagej=True, metadata={"axes": "ZYX"})
    return path


@pytest.mark.parametrize("how", [["z"], ["maps", "--spacing", 3]])
def test_a_nucleus_has_one_number(
    run: Callable[..., Result], stack: Path, tmp_path: Path, how: list[str | int]
) -> None:
    words = ["segment", stack, "--model", "classic"]
    assert run(*words, "-o", tmp_path / "alone").exit_code == 0
    result = run(*words, "-o", tmp_path / "linked", "--link", *how)
    assert result.exit_code == 0, result.output
    alone, linked = (
        tifffile.imread(tmp_path / name / "stack.tif") for name in ("alone", "linked")
    )
    assert linked.shape == alone.shape
    assert 2 * linked.max() < alone.max()
    both = np.count_nonzero((linked > 0) & (alone > 0))
    assert both > 0.8 * np.count_nonzero(alone)


def test_what_is_missing_is_said_in_words_of_the_command_line(
    run: Callable[..., Result], stack: Path, tmp_path: Path
) -> None:
    words = ["segment", stack, "-o", tmp_path / "out", "--model", "classic", "--link"]
    for how, sentence in (
        ("t", "axis T, to link nuclei along it with --link t"),
        ("maps", "give it in pixels as --spacing 2.5"),
    ):
        result = run(*words, how)
        assert result.exit_code == 1
        assert sentence in " ".join(result.output.split())
