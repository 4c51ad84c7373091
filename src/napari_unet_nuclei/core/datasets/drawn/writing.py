"""Drawn samples as a data set on disk, which ``train`` takes like any other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.datasets.drawn.looks import Look, draw_look
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.files.labels import write_labels_png
from napari_unet_nuclei.core.files.png import save_png
from napari_unet_nuclei.core.writing.atomic_files import replacing
from napari_unet_nuclei.core.writing.outputs import check_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Sequence


def iter_write_drawn(
    folder: str | os.PathLike[str],
    n_samples: int,
    *,
    looks: Sequence[Look | str] = tuple(Look),
    shape: tuple[int, int] = (256, 256),
    seed: int = 0,
    overwrite: bool = False,
) -> Generator[str, None, int]:
    """Write drawn samples to ``images/`` and ``labels/`` of a folder, one at a time.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    n_samples : int
        How many; the looks take turns.
    looks : sequence of Look or str
        What is drawn; all looks by default.
    shape : (int, int), in px
        Height and width of each image.
    seed : int
        Samples of another seed are others.
    overwrite : bool
        Whether samples of the same name are replaced.

    Yields
    ------
    str
        The name of a sample that was written, such as ``rings-0-00002``.

    Returns
    -------
    int
        How many nuclei were drawn in all.

    Raises
    ------
    SettingsError
        If the number is not positive, or there is no such look.
    OutputError
        If a file cannot be written, or is there and may not be replaced.
    """
    if n_samples < 1 or not looks:
        raise SettingsError(
            "Expected at least one sample and one look. "
            f"Received: n_samples={n_samples}, {len(looks)} looks."
        )
    images, labels = _make_folders(Path(folder))
    n_nuclei = 0
    for number in range(n_samples):
        look = looks[number % len(looks)]
        image, truth = draw_look(look, seed * 1_000_003 + number, shape)
        name = f"{look}-{seed}-{number:05d}"
        with replacing(images / f"{name}.png", may_replace=overwrite) as temporary:
            save_png(temporary, image)
        write_labels_png(labels / f"{name}.png", truth, may_replace=overwrite)
        n_nuclei += int(truth.max())
        yield name
    return n_nuclei


def _make_folders(folder: Path) -> tuple[Path, Path]:
    """Make the folders of images and of labels."""
    images, labels = folder / "images", folder / "labels"
    for place in (images, labels):
        check_folder(place)
        place.mkdir(parents=True, exist_ok=True)
    return images, labels
