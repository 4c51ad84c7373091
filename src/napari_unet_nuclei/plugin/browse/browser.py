"""Walks through images: one worker at a time saves, then reads the next.

What is shown in the viewer is in ``open_image``, the list in ``image_model``, the
controls in ``widget``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.browsing.results import ResultFolder
from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.plugin.browse.image_layers import OpenedImage
from napari_unet_nuclei.plugin.browse.image_model import ImageModel, ImageRow
from napari_unet_nuclei.plugin.browse.label_snapshots import SavedLabels, save_snapshots
from napari_unet_nuclei.plugin.browse.one_task import OneTask
from napari_unet_nuclei.plugin.browse.open_image import OpenImage
from napari_unet_nuclei.plugin.browse.preview_loading import PreviewLoading, SeenImage
from napari_unet_nuclei.plugin.browse.visits import (
    Errand,
    Listing,
    Noted,
    Unreadable,
    find_images,
    visit,
)
from napari_unet_nuclei.plugin.browse.way import Way
from napari_unet_nuclei.plugin.shared.error_messages import describe_error
from napari_unet_nuclei.plugin.shared.timers import make_quiet_timer
from napari_unet_nuclei.plugin.shared.wanted_runs import want_run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    import napari.viewer
    from qtpy.QtWidgets import QWidget

QUIET_MS = 2000
"""How long after the last edit the labels are saved by themselves."""


class Browser:
    """Keeps in step: the list, the image on show, and the files of its labels.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where images are shown.
    owner : QWidget
        Nothing is done once this is gone.
    on_change : callable
        Called whenever what can be done has changed.
    say : callable
        Gets sentences for the user.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QWidget,
        *,
        on_change: Callable[[], object],
        say: Callable[[str], object],
    ) -> None:
        self._on_change, self._say = on_change, say
        self.listing: Listing | None = None
        self.segments_opened = False
        self.model = ImageModel(lambda row: self._previews.want(row))
        self.way = Way(self.model)
        self._previews = PreviewLoading(owner, self._take_preview)
        self._shown = OpenImage(viewer, lambda: self._timer.start())
        self._timer = make_quiet_timer(owner, QUIET_MS, self._save_soon)
        self._to_open: tuple[Path, Path | None] | None = None
        self._task = OneTask(owner)
        self._n_saved = 0
        self._is_done: bool | None = None
        owner.destroyed.connect(self._shown.stop)

    @property
    def is_busy(self) -> bool:
        """Whether something is being saved or read."""
        return self._task.is_running

    @property
    def is_idle(self) -> bool:
        """Whether nothing is going on, pictures of the list included."""
        return not self.is_busy and self.way.target is None and self._previews.is_idle

    @property
    def is_unsaved(self) -> bool:
        """Whether labels have changed since they were saved last."""
        return self._shown.n_edits != self._n_saved

    @property
    def row(self) -> ImageRow | None:
        """The image on show, as the list has it."""
        current = self.way.current
        return None if current is None else self.model.rows[current]

    # What the user asks for.

    def open(self, path: Path, results: Path | None = None) -> None:
        """List the images of a folder or data set, and show the first to do."""
        if self.is_busy:
            self._to_open = path, results
            return
        earlier = None if self.listing is None else self.listing.results
        unsaved = self._shown.snapshots() if earlier is not None else []
        steps = find_images(path, results, unsaved, earlier)
        self._run(steps, f"Looking into {path.name}", self._take_listing)

    def use_results(self, folder: Path) -> None:
        """Keep results in another folder from now on."""
        if self.listing is None:
            return
        images = self.listing.images
        try:
            results = ResultFolder(folder, images.path)
        except UNetNucleiError as error:
            self._say(describe_error(error))
            return
        progress = results.progress(images.names)
        self.listing = replace(self.listing, results=results, progress=progress)
        for row, name in enumerate(images.names):
            self.model.set_progress(row, progress[name])
        self._previews.start_anew(images.images, results)
        self._n_saved = -1
        self._save_soon()
        self._on_change()

    def go(self, step: int) -> None:
        """Show the next or the previous image."""
        index = self.way.next(step)
        if index is None:
            end = "last" if step > 0 else "first"
            left = " that is not done" if self.way.skips_done else ""
            self._say(f"This is the {end} image{left}.")
        else:
            self.go_to(index, step)

    def go_to(self, index: int, step: int = 1) -> None:
        """Show an image of the list."""
        is_here = index == self.way.current and self.way.target is None
        if is_here and self._shown.is_open:
            return
        self.way.aim(index, step)
        self._work()

    def mark_done(self, is_done: bool) -> None:
        """Note that an image is done, with its labels saved, or that it is not."""
        if self.row is not None:
            self._is_done = is_done
            self._work()

    def save_now(self) -> None:
        """Save what has changed, in this thread: the window is about to close."""
        self._timer.stop()
        if self.listing is None or not self.is_unsaved:
            return
        steps = save_snapshots(
            self._shown.snapshots(), self.listing.results, may_be_same=False
        )
        for saved in steps:
            self._take_saved(saved)
        self._n_saved = self._shown.n_edits

    # What happens next.

    def _save_soon(self) -> None:
        if self.is_busy:
            self._timer.start()
        else:
            self._work()

    def _work(self) -> None:
        """Go where the user wants to, or save what has changed."""
        if self.listing is None or self.is_busy:
            return
        is_saving = self.is_unsaved or self._is_done is not None
        target = self.way.target
        if target is None and not is_saving:
            return
        self._timer.stop()
        index = None if target is None else target.index
        n_edits, row = self._shown.n_edits, self.row
        errand = Errand(
            name="" if row is None else row.image.name,
            unsaved=self._shown.snapshots() if is_saving else [],
            is_done=self._is_done,
            index=index,
        )
        self._is_done = None
        title = "labels" if index is None else self.model.rows[index].image.title
        self._run(
            visit(self.listing, errand),
            f"{'Saving' if index is None else 'Opening'} {title}",
            lambda result: self._arrive(result, n_edits),
            is_listed=index is not None,
        )

    def _run(
        self,
        steps: Generator[Any, None, Any],
        description: str,
        on_result: Callable[[Any], object],
        *,
        is_listed: bool = True,
    ) -> None:
        self._previews.pause(True)
        self._task.start(
            steps,
            description,
            on_step=self._take_saved,
            on_result=on_result,
            on_error=self._fail,
            on_end=self._end,
            is_listed=is_listed,
        )
        if is_listed:
            self._say(f"{description} …")
        self._on_change()

    def _end(self) -> None:
        self._previews.pause(False)
        self._on_change()
        if self._to_open is not None:
            place, self._to_open = self._to_open, None
            self.open(*place)
        elif self.way.target is not None or self._is_done is not None:
            self._work()

    def _fail(self, error: Exception) -> None:
        """Stay where the user is: nothing that is not saved may go."""
        self.way.target = None
        self._say(describe_error(error))

    def _take_saved(self, saved: SavedLabels | Noted) -> None:
        names = [] if self.listing is None else self.listing.images.names
        if saved.progress is not None and saved.name in names:
            self.model.set_progress(names.index(saved.name), saved.progress)
        if isinstance(saved, Noted):
            return
        self._shown.note_saved(saved)
        self._say(saved.sentence)

    def _take_listing(self, listing: Listing) -> None:
        self.listing = listing
        self._n_saved = self._shown.n_edits
        images = listing.images
        self._previews.start_anew(images.images, listing.results)
        rows = [
            ImageRow(image=image, progress=listing.progress[image.name])
            for image in images.images
        ]
        self.model.set_rows(rows)
        self._say(" ".join(images.notes))
        self.way.begin()

    def _take_preview(self, seen: SeenImage) -> None:
        if seen.preview is None:
            self.model.set_problem(seen.index, seen.problem)
            self._on_change()
            return
        self.model.set_preview(seen.index, seen.preview)
        is_current = seen.index == self.way.current
        if seen.progress is not None and not is_current:
            self.model.set_progress(seen.index, seen.progress)

    def _arrive(self, result: OpenedImage | Unreadable | None, n_edits: int) -> None:
        """Show what was read, unless the user has gone on or painted meanwhile."""
        self._n_saved = n_edits
        if isinstance(result, Unreadable) and self.way.pass_over(
            result.index, result.reason
        ):
            title = self.model.rows[result.index].image.title
            self._say(f"Skipped {title}, which cannot be read: {result.reason}")
        if not isinstance(result, OpenedImage) or self.is_unsaved:
            return
        if self.way.arrive(result.index):
            self._show(result)

    def _show(self, opened: OpenedImage) -> None:
        row = self.model.rows[opened.index]
        image = self._shown.replace(opened, row.image.name)
        self._n_saved = self._shown.n_edits
        self.model.set_progress(opened.index, opened.progress)
        self.model.set_current(opened.index)
        place = f"{opened.index + 1:,} of {len(self.model.rows):,}"
        self._say(" ".join([f"{row.image.title}, {place}.", *opened.notes]))
        if self.segments_opened and opened.labels is None:
            want_run(image)
