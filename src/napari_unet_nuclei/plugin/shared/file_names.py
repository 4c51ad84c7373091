"""Names of the files that labels, tables and outlines of a layer are saved in."""

from __future__ import annotations

from pathlib import Path

from napari_unet_nuclei.core.batch.own_results import LABELS_ENDING

_FORBIDDEN = '/\\:*?"<>|'
_MOST_BYTES = 200  # of a name; file systems take 255, with the ending


def masks_name(name: str) -> str:
    """Return a name by which napari lets this plugin open a file.

    Parameters
    ----------
    name : str
        Name of a layer, or of a file without its suffix.

    Returns
    -------
    str
        Such as ``cells_masks`` for ``cells nuclei``, the name that the command line
        gives to labels, too.

    Examples
    --------
    >>> masks_name("cells nuclei"), masks_name("cells_masks")
    ('cells_masks', 'cells_masks')
    """
    return name.removesuffix(LABELS_ENDING).removesuffix(" nuclei") + LABELS_ENDING


def file_stem(path: str) -> str:
    """Return the name of a file without its suffix, ``.ome.tif`` being one."""
    stem = Path(path).stem
    return stem[:-4] if stem.lower().endswith(".ome") else stem


def plain_name(name: str) -> str:
    """Return the name of a labels layer as one that every system accepts for a file.

    Parameters
    ----------
    name : str
        Name of the layer.

    Returns
    -------
    str
        Without the endings that say that these are labels.

    Examples
    --------
    >>> plain_name("well A1: DAPI nuclei")
    'well A1_ DAPI'
    """
    name = masks_name(name).removesuffix(LABELS_ENDING)
    letters = [
        each if each.isprintable() and each not in _FORBIDDEN else "_" for each in name
    ]
    return "".join(letters).encode()[:_MOST_BYTES].decode(errors="ignore")
