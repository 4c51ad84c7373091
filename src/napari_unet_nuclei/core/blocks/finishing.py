"""The blocks of a run become one result: labels, their pyramid, and a table.

Block by block: memory holds one of them at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.blocks.grid import within
from napari_unet_nuclei.core.cancellation import check_cancelled
from napari_unet_nuclei.core.files.feature_tables import FeatureTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.blocks.block_files import BlockFiles
    from napari_unet_nuclei.core.blocks.grid import Block, BlockGrid
    from napari_unet_nuclei.core.blocks.numbering import Nucleus, Numbering

_NOWHERE = ((0, 0), (0, 0))


def number_block(
    block: Block, grid: BlockGrid, files: BlockFiles, numbering: Numbering
) -> NDArray[np.signedinteger[Any]]:
    """Return the core of a block with the numbers of the whole image.

    Parameters
    ----------
    block : Block
        Which.
    grid : BlockGrid
        All of them.
    files : BlockFiles
        What each found.
    numbering : Numbering
        Which number each nucleus gets.

    Returns
    -------
    (Y, X) ndarray of int32 or int64
        0 = background.
    """
    numbers = numbering.numbers(block.index).astype(numbering.dtype)
    labels = numbers[files.read_labels(block.index)]
    # The first blocks last, so that they win.
    for nucleus in sorted(numbering.painted.get(block.index, ()), reverse=True):
        labels[_pixels(block, files, nucleus)] = numbering.number_of(nucleus)
    for nucleus in sorted(numbering.filled.get(block.index, ())):
        rows, columns = _pixels(block, files, nucleus)
        is_free = labels[rows, columns] == 0
        number = 0 if nucleus in numbering.erased else numbering.number_of(nucleus)
        labels[rows[is_free], columns[is_free]] = number
    return labels


def _pixels(
    block: Block, files: BlockFiles, nucleus: Nucleus
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where a nucleus of another block lies in the core of this one."""
    pixels = files.read_border(nucleus[0]).of(nucleus[1]).inside(block.core)
    (top, _), (left, _) = block.core
    return pixels.rows - top, pixels.columns - left


def iter_labels(
    array: Any, grid: BlockGrid, files: BlockFiles, numbering: Numbering
) -> Iterator[int]:
    """Write the labels of all blocks.

    Parameters
    ----------
    array : Zarr array
        (Y, X), as large as the image.
    grid, files, numbering
        As of `number_block`.

    Yields
    ------
    int
        Index of each block that is written.
    """
    for block in grid:
        check_cancelled()
        array[within(block.core, _NOWHERE)] = number_block(
            block, grid, files, numbering
        )
        yield block.index


def write_table(
    path: Path, name: str, grid: BlockGrid, files: BlockFiles, numbering: Numbering
) -> None:
    """Write the table of all nuclei, a block at a time.

    Parameters
    ----------
    path : Path
        The OME-Zarr group of the labels.
    name : str
        What the labels are called, and so is the table.
    grid, files, numbering
        As of `number_block`.
    """
    with FeatureTable(path, name) as table:
        for index in range(len(grid)):
            check_cancelled()
            features = files.read_features(index)
            is_owned = numbering.owned(index)
            rows = {key: column[is_owned] for key, column in features.items()}
            rows["label"] = numbering.numbers(index)[1:][is_owned]
            table.append(rows)
