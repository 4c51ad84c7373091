"""A small image as OME-Zarr, and a run over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.blocks.big_run import BigRun
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def nuclei() -> NDArray[np.uint8]:
    """530 x 700 px with 260 nuclei."""
    return draw_nuclei(1, (530, 700), 260)[0]


@pytest.fixture
def write_slide(tmp_path: Path) -> Callable[..., Path]:
    """Write ``(image, name, zarr_format, n_levels)`` as OME-Zarr."""
    zarr = pytest.importorskip("zarr")

    def write(
        image: NDArray[Any],
        name: str = "slide.zarr",
        zarr_format: int = 3,
        n_levels: int = 2,
    ) -> Path:
        path = tmp_path / name
        group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
        version_2 = {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
        for level in range(n_levels):
            pixels = image[:: 2**level, :: 2**level][np.newaxis]
            array = group.create_array(
                str(level),
                shape=pixels.shape,
                chunks=(1, 128, 128),
                dtype=pixels.dtype,
                **(
                    {"dimension_names": ("c", "y", "x")}
                    if zarr_format == 3
                    else version_2
                ),
            )
            array[:] = pixels
        space = {"type": "space", "unit": "micrometer"}
        multiscale = {
            "axes": [
                {"name": "c", "type": "channel"},
                {"name": "y", **space},
                {"name": "x", **space},
            ],
            "datasets": [
                {
                    "path": str(level),
                    "coordinateTransformations": [
                        {"type": "scale", "scale": [1, 0.5 * 2**level, 0.5 * 2**level]}
                    ],
                }
                for level in range(n_levels)
            ],
        }
        if zarr_format == 3:
            group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
        else:
            group.attrs["multiscales"] = [{**multiscale, "version": "0.4"}]
        return path

    return write


@pytest.fixture
def run(
    write_slide: Callable[..., Path], nuclei: NDArray[np.uint8], tmp_path: Path
) -> BigRun:
    """Six blocks of the small image, into an OME-Zarr of its own."""
    pytest.importorskip("pyarrow")
    return BigRun(
        image=write_slide(nuclei),
        output=tmp_path / "out.zarr",
        model="classic",
        side=256,
    )
