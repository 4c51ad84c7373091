"""What a worker does from one image to the next: save, then read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.browsing.listing import list_images
from napari_unet_nuclei.core.browsing.results import ResultFolder, default_folder
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.browse.image_layers import OpenedImage, read_layers
from napari_unet_nuclei.plugin.browse.label_snapshots import SavedLabels, save_snapshots

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.browsing.listing import ImageList
    from napari_unet_nuclei.core.browsing.results import ImageProgress
    from napari_unet_nuclei.plugin.browse.label_snapshots import LabelsSnapshot


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """An image that could not be opened.

    Parameters
    ----------
    index : int
        Its position in the list.
    reason : str
        Why not, in a sentence.
    """

    index: int
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """The images of a place, and what has been done of them.

    Parameters
    ----------
    images : ImageList
        The images.
    results : ResultFolder
        Where results go.
    progress : dict of str to ImageProgress
        By the names of the images.
    """

    images: ImageList
    results: ResultFolder
    progress: dict[str, ImageProgress]


def find_images(
    path: Path,
    folder: Path | None,
    unsaved: Sequence[LabelsSnapshot],
    results: ResultFolder | None,
) -> Generator[SavedLabels, None, Listing]:
    """Save what is open, then list the images of another place.

    Parameters
    ----------
    path : Path
        The folder, zip or data set.
    folder : Path, optional
        Where its results go; by default beside it.
    unsaved, results
        Labels of the image on show, and where they go.

    Yields
    ------
    SavedLabels
        After each file.

    Returns
    -------
    Listing
        What was found.

    Raises
    ------
    UNetNucleiError
        If something cannot be saved, or there is no image.
    """
    if results is not None:
        yield from save_snapshots(unsaved, results, may_be_same=False)
    images = list_images(path)
    found = ResultFolder(folder or default_folder(images.path), images.path)
    return Listing(images=images, results=found, progress=found.progress(images.names))


@dataclass(frozen=True, kw_only=True, eq=False)
class Errand:
    """What is to be saved, and what is to be read then.

    Parameters
    ----------
    name : str
        Name of the image on show.
    unsaved : sequence of LabelsSnapshot
        Its labels.
    is_done : bool, optional
        What the user has said of it; ``None`` for nothing new.
    index : int, optional
        Position of the image to read; ``None`` to save alone.
    """

    name: str
    unsaved: Sequence[LabelsSnapshot]
    is_done: bool | None = None
    index: int | None = None


@dataclass(frozen=True, kw_only=True)
class Noted:
    """That an image is done, or not, is in the folder of results now.

    Parameters
    ----------
    name : str
        Name of the image.
    progress : ImageProgress
        All that has been done of it.
    """

    name: str
    progress: ImageProgress


def visit(
    listing: Listing, errand: Errand
) -> Generator[SavedLabels | Noted, None, OpenedImage | Unreadable | None]:
    """Save what is open, then read another image.

    Parameters
    ----------
    listing : Listing
        The images.
    errand : Errand
        What to save and to read.

    Yields
    ------
    SavedLabels or Noted
        After each file.

    Returns
    -------
    OpenedImage, Unreadable or None
        What was read.

    Raises
    ------
    LabelsError, OutputError
        If something cannot be saved.
    """
    results = listing.results
    is_done = errand.is_done
    yield from save_snapshots(errand.unsaved, results, may_be_same=is_done is True)
    if is_done is not None:
        progress = replace(results.look_into(errand.name), is_done=is_done)
        results.note(errand.name, progress)
        yield Noted(name=errand.name, progress=progress)
    if errand.index is None:
        return None
    try:
        return read_layers(listing.images, errand.index, results)
    except UNetNucleiError as error:
        return Unreadable(index=errand.index, reason=str(error))
