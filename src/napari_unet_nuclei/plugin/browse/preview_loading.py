"""Small pictures are made in a worker, only of images that are on show in the list."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.browsing.previews import Preview, make_preview
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.browse.image_model import SIDE
from napari_unet_nuclei.plugin.shared.task_callbacks import TaskCallbacks
from napari_unet_nuclei.plugin.shared.workers import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from qtpy.QtCore import QObject

    from napari_unet_nuclei.core.browsing.listing import ListedImage
    from napari_unet_nuclei.core.browsing.results import ImageProgress, ResultFolder

_MOST_WAITING = 24  # rows; older ones have been scrolled out of sight
_AT_A_TIME = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class SeenImage:
    """What was seen of an image.

    Parameters
    ----------
    index : int
        Its position in the list.
    preview : Preview, optional
        The picture; ``None`` for an image that cannot be read.
    problem : str
        Why not.
    progress : ImageProgress, optional
        What has been done of it, if that could be read.
    """

    index: int
    preview: Preview | None = None
    problem: str = ""
    progress: ImageProgress | None = None


class PreviewLoading:
    """Makes the pictures that are wanted, the newest first.

    Parameters
    ----------
    owner : QObject
        Nothing is made once this is gone.
    on_seen : callable
        Gets what was seen of an image.
    """

    def __init__(self, owner: QObject, on_seen: Callable[[SeenImage], object]) -> None:
        self._owner = owner
        self._on_seen = on_seen
        self._images: Sequence[ListedImage] = ()
        self._results: ResultFolder | None = None
        self._wanted: deque[int] = deque(maxlen=_MOST_WAITING)
        self._task: BackgroundTask[SeenImage, None] | None = None
        self._under_way: set[int] = set()
        self._is_paused = False

    @property
    def is_idle(self) -> bool:
        """Whether no picture is being made, and none is wanted."""
        return self._task is None and not self._wanted

    def start_anew(
        self, images: Sequence[ListedImage], results: ResultFolder | None
    ) -> None:
        """Make pictures of other images from now on."""
        self._images, self._results = images, results
        self._wanted.clear()
        if self._task is not None:
            self._task.leave()

    def want(self, index: int) -> None:
        """Make a picture soon."""
        if index in self._under_way:
            return
        if index in self._wanted:
            self._wanted.remove(index)
        self._wanted.append(index)
        self._work()

    def pause(self, is_paused: bool) -> None:
        """Leave the disk to something more urgent, or go on."""
        self._is_paused = is_paused
        self._work()

    def _work(self) -> None:
        if self._task is not None or self._is_paused or not self._wanted:
            return
        n_next = min(_AT_A_TIME, len(self._wanted))
        numbers = [self._wanted.pop() for _ in range(n_next)]
        self._under_way = set(numbers)
        chosen = [(number, self._images[number]) for number in numbers]
        self._task = BackgroundTask(
            look_at(chosen, self._results),
            "Looking at images",
            self._owner,
            TaskCallbacks(
                on_step=self._on_seen, on_end=self._end, is_kept=lambda _: True
            ),
            is_listed=False,
        )

    def _end(self) -> None:
        self._task, self._under_way = None, set()
        self._work()


def look_at(
    images: Sequence[tuple[int, ListedImage]], results: ResultFolder | None
) -> Generator[SeenImage, None, None]:
    """Make small pictures of images.

    Parameters
    ----------
    images : sequence of (int, ListedImage)
        Images with their positions in the list.
    results : ResultFolder, optional
        Where their results are.

    Yields
    ------
    SeenImage
        Of each.
    """
    for index, image in images:
        try:
            preview = make_preview(image.read(), SIDE)
        except UNetNucleiError as error:
            yield SeenImage(index=index, problem=str(error))
            continue
        except MemoryError:
            yield SeenImage(index=index, problem="It takes more memory than there is.")
            continue
        progress = None
        if results is not None:
            try:
                progress = results.look_into(image.name)
            except UNetNucleiError:  # opening it says so
                progress = None
        yield SeenImage(index=index, preview=preview, progress=progress)
