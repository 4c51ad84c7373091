"""An image is probed for the signal that shows its nuclei best."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_unet_nuclei.core.images.intensity import sample_pixels
from napari_unet_nuclei.core.images.nuclear_signal import WHOLE
from napari_unet_nuclei.core.progress import TileDone, map_steps
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.nuclear_signal import NuclearSignal, Window
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.signal_policy import SignalPolicy


class SignalChoice(NamedTuple):
    """The signal of an image that was chosen.

    Parameters
    ----------
    stain : Stain
        Never ``Stain.AUTO``.
    maps : Maps, optional
        What the network made of it, if the image was probed as a whole.
    """

    stain: Stain
    maps: Maps | None = None


def iter_signal_choice(
    signal: NuclearSignal,
    iter_maps: Callable[[Stain, Window], Generator[TileDone, None, Maps]],
    policy: SignalPolicy,
) -> Generator[TileDone, None, SignalChoice]:
    """Probe an image with each of its signals, in one window of it if it is large.

    Parameters
    ----------
    signal : NuclearSignal
        The image.
    iter_maps : callable
        Evaluates the network on a window of a signal.
    policy : SignalPolicy
        Chooses among the probes.

    Yields
    ------
    TileDone
        After each tile of a probe; none of them counts as done.

    Returns
    -------
    SignalChoice
        The image as it is, without a probe, where it has no other signal.
    """
    candidates = signal.candidates
    if not candidates:
        return SignalChoice(Stain.NONE)
    is_whole = policy.probes_whole(signal.shape)
    window = WHOLE if is_whole else _busiest_window(signal, policy.window_side)
    probes = {}
    for stain in (Stain.NONE, *candidates):
        probes[stain] = yield from map_steps(_not_yet, iter_maps(stain, window))
    chosen = policy.choose(probes)
    return SignalChoice(chosen, probes[chosen] if is_whole else None)


def _not_yet(done: TileDone) -> TileDone:
    return TileDone(0, done.n_total)


def _busiest_window(signal: NuclearSignal, side: int) -> Window:
    """Find the window with the most detail: tissue or cells, no empty background."""
    pixels, _ = signal.see(Stain.NONE)
    sample = sample_pixels(pixels).mean(axis=-1, dtype=np.float32)
    detail = np.zeros(sample.shape)
    detail[1:] += np.abs(np.diff(sample, axis=0))
    detail[:, 1:] += np.abs(np.diff(sample, axis=1))
    steps = [whole / few for whole, few in zip(signal.shape, sample.shape, strict=True)]
    sums = detail
    for axis, step in enumerate(steps):
        sums = _running_sums(sums, max(1, round(side / step)), axis)
    corner = np.unravel_index(np.argmax(sums), sums.shape)
    rows, columns = (
        slice(start := min(int(place * step), max(length - side, 0)), start + side)
        for place, step, length in zip(corner, steps, signal.shape, strict=True)
    )
    return rows, columns


def _running_sums(
    values: NDArray[np.float64], length: int, axis: int
) -> NDArray[np.float64]:
    """Sum up so many values from each on; all of them, where there are fewer."""
    sums = np.moveaxis(np.cumsum(values, axis=axis), axis, 0)
    if len(sums) > length:
        sums[length:] = sums[length:] - sums[:-length]
    return np.moveaxis(
        sums[length - 1 :] if len(sums) >= length else sums[-1:], 0, axis
    )
