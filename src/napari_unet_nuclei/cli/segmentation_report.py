"""What ``segment`` says before it begins, and when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet_nuclei.cli.reporting import messages, output
from napari_unet_nuclei.cli.wording import describe_error
from napari_unet_nuclei.core.settings.choices import OutputFormat, Stain

if TYPE_CHECKING:
    from napari_unet_nuclei.core.batch.jobs import ImageDone
    from napari_unet_nuclei.core.batch.outputs import BatchOutputs

_MOST_WARNED = 20  # images; more would hide what else is said


def say(sentence: str) -> None:
    """Print a sentence on standard error."""
    messages.print(sentence, style="dim", markup=False, soft_wrap=True)


def tell_plan(outputs: BatchOutputs, n_skipped: int) -> None:
    """Say what is unusual about the results."""
    if outputs.is_beside and {OutputFormat.TIFF, OutputFormat.PNG} & {*outputs.formats}:
        say(
            f"Images lie in {outputs.folder} itself, so their labels are called "
            "NAME_masks."
        )
    if n_skipped:
        what = "1 image has its results"
        if n_skipped > 1:
            what = f"{n_skipped:,} images have their results"
        say(f"{what} already and {'is' if n_skipped == 1 else 'are'} skipped.")


def tell_signals(done: list[ImageDone]) -> None:
    """Say which signals of colour images were seen instead of all their colours."""
    signals = [image.signal for image in done]
    parts = [
        f"{signal.sentence_part}: {_count_images(signals.count(signal))}"
        for signal in Stain
        if signal in signals and signal.sentence_part
    ]
    if parts:
        said = "; ".join(parts)
        say(
            f"{said[0].upper()}{said[1:]}. Set --stain to choose what shows the nuclei."
        )


def report(done: list[ImageDone], folder: Path, engine: str) -> bool:
    """Print what was done and what was not; true when nothing failed."""
    own = [image.name for image in done if image.is_own_result]
    done = [image for image in done if not image.is_own_result]
    failed = [image for image in done if image.error is not None]
    n_nuclei = sum(image.n_nuclei for image in done)
    seconds = sum(image.seconds for image in done)
    n_images = len(done) - len(failed)
    output.print(
        f"{n_nuclei:,} nuclei in {_count_images(n_images)}, {seconds:.1f} s → {folder}",
        highlight=False,
        soft_wrap=True,
    )
    messages.print(f"{engine}", style="dim", markup=False, soft_wrap=True)
    n_rescaled = sum(image.is_rescaled for image in done)
    if n_rescaled:
        messages.print(
            f"{n_rescaled:,} rescaled, because of much smaller or larger nuclei than "
            "the model knows; set --diameter to choose the scale.",
            style="dim",
        )
    tell_signals(done)
    if own:
        say(f"Skipped results that this program wrote: {', '.join(own)}.")
    for image in done:
        for note in image.notes:
            say(f"{image.name}: {note}")
    _warn(done)
    if failed:
        messages.print(f"{len(failed)} could not be segmented:", style="red")
        for image in failed:
            reason = image.cause and describe_error(image.cause)
            messages.print(f"  {image.name}: {reason or image.error}")
    return not failed


def _count_images(number: int) -> str:
    return f"{number:,} image{'' if number == 1 else 's'}"


def _warn(done: list[ImageDone]) -> None:
    """Name the images whose results should be checked."""
    doubtful = [image for image in done if image.warnings]
    for image in doubtful[:_MOST_WARNED]:
        for warning in image.warnings:
            messages.print(f"{image.name}: {warning}", style="yellow")
    n_more = len(doubtful) - _MOST_WARNED
    if n_more > 0:
        messages.print(
            f"{n_more:,} more should be checked; TIFF and PNG labels say why.",
            style="yellow",
        )
