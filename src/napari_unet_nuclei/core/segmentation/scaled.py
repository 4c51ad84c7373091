"""One image becomes maps, of the signal and at the scale that its nuclei ask for.

Signal, intensities and scale are settled here; tiles belong in
:mod:`~napari_unet_nuclei.core.segmentation.tiled`, stacks of planes in
:mod:`~napari_unet_nuclei.core.segmentation.stacks`.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.intensity import fine_detail, normalise
from napari_unet_nuclei.core.images.nuclear_signal import (
    WHOLE,
    Light,
    NuclearSignal,
    SeenPixels,
    Window,
)
from napari_unet_nuclei.core.images.rescaling import rescale
from napari_unet_nuclei.core.instances.diameter import estimate_diameter
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.progress import TileDone
from napari_unet_nuclei.core.segmentation.memory import check_memory
from napari_unet_nuclei.core.segmentation.scale_policy import (
    DEFAULT_SCALE_POLICY,
    ScalePolicy,
)
from napari_unet_nuclei.core.segmentation.signal_choice import (
    SignalChoice,
    iter_signal_choice,
)
from napari_unet_nuclei.core.segmentation.signal_policy import (
    DEFAULT_SIGNAL_POLICY,
    SignalPolicy,
)
from napari_unet_nuclei.core.segmentation.tiled import iter_tiles
from napari_unet_nuclei.core.settings.choices import Stain

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

_BYTES_PER_PIXEL = 32  # of a rescaled image: its channels and maps


def iter_plane_maps(
    engine: Engine,
    config: ModelConfig,
    image: NDArray[np.generic],
    settings: SegmentationSettings,
    *,
    scale: float | None = None,
    stain: Stain | None = None,
    window: Window = WHOLE,
    max_area: int | None = None,
    typical: NDArray[np.generic] | None = None,
    policy: ScalePolicy = DEFAULT_SCALE_POLICY,
    signal_policy: SignalPolicy = DEFAULT_SIGNAL_POLICY,
) -> Generator[TileDone, None, Maps]:
    """Evaluate a network on one image, tile by tile.

    Parameters
    ----------
    engine : Engine
        Runtime that holds the network.
    config : ModelConfig
        Its stride, receptive radius, maps and typical diameter.
    image : (Y, X) or (Y, X, 3|4) ndarray
        Grey or colour image.
    settings : SegmentationSettings
        Only diameter, test-time flips and stain matter here.
    scale, stain : float and Stain, optional
        Scale and signal, not ``Stain.AUTO``, of the other planes of its stack.
    window : tuple of slice
        The only part of the image that is seen, in the light of all of it.
    max_area : int, in px², optional
        Largest area of a tile, as for `iter_tiles`.
    typical : (y, x, 3) ndarray, optional
        Sample of the image that this is a part of, for its intensities and dyes.
    policy, signal_policy : ScalePolicy and SignalPolicy
        Find scale and signal where neither these nor the settings say which.

    Yields
    ------
    TileDone
        After each tile.

    Returns
    -------
    Maps
        Those of the window, (Y, X) float32 each, with the scale they were made at.

    Raises
    ------
    ImageError, EngineError
        If the image cannot be used, or the engine fails or finds no memory.
    """
    signal = NuclearSignal(to_channels(image), typical)
    if scale is None and settings.diameter is not None:
        scale = config.diameter / settings.diameter
    sight = _Sight(engine, config, signal, max_area, scale, policy)
    chosen = yield from sight.iter_choice(stain or settings.stain, signal_policy)
    if window != WHOLE:
        chosen = SignalChoice(chosen.stain)  # maps of all of the image will not do
    maps = yield from sight.iter_chosen(chosen, window, tta=settings.tta)
    is_filtered = settings.stain is not Stain.NONE
    darkness = signal.darkness(window) if is_filtered else ()
    return maps._replace(signal=chosen.stain, darkness=darkness)


class _Sight:
    """An image as a network may see it: any signal, at one scale or those that suit."""

    def __init__(
        self,
        engine: Engine,
        config: ModelConfig,
        signal: NuclearSignal,
        max_area: int | None,
        scale: float | None,
        policy: ScalePolicy,
    ) -> None:
        self._engine, self._config, self._max_area = engine, config, max_area
        self._signal, self._scale = signal, scale
        # Seen from afar, glands and folds of stained tissue look like huge nuclei.
        is_stained = signal.light is Light.BRIGHT_FIELD
        self._policy = replace(policy, doubtful=0.0) if is_stained else policy

    def iter_maps(
        self, stain: Stain, window: Window = WHOLE
    ) -> Generator[TileDone, None, Maps]:
        """Evaluate the network on a window of a signal."""
        view = self._view(stain, window)
        if self._scale is not None:
            return view.iter_maps(self._scale)
        return _iter_fitting(view, self._policy)

    def iter_choice(
        self, stain: Stain, policy: SignalPolicy
    ) -> Generator[TileDone, None, SignalChoice]:
        """Settle what is seen; of ``Stain.AUTO``, what the network knows best."""
        settled = self._signal.settle(stain)
        if settled is not Stain.AUTO:
            return SignalChoice(settled)
        return (yield from iter_signal_choice(self._signal, self.iter_maps, policy))

    def iter_chosen(
        self, chosen: SignalChoice, window: Window, *, tta: bool
    ) -> Generator[TileDone, None, Maps]:
        """Evaluate the network on the signal that was chosen, unless its probe will do.

        With ``tta``, the scale is found before the image is turned and mirrored.
        """
        if not (tta and self._config.n_symmetries > 1):
            if chosen.maps is None:
                return (yield from self.iter_maps(chosen.stain, window))
            yield TileDone(1, 1)
            return chosen.maps
        scale = self._scale
        if scale is None:
            maps = chosen.maps or (yield from self.iter_maps(chosen.stain, window))
            scale = maps.scale
        view = self._view(chosen.stain, window)
        return (yield from view.iter_maps(scale, tta=True))

    def _view(self, stain: Stain, window: Window) -> _View:
        pixels = self._signal.see(stain, window)
        return _View(self._engine, self._config, pixels, self._max_area)


def _iter_fitting(view: _View, policy: ScalePolicy) -> Generator[TileDone, None, Maps]:
    """Evaluate a network on an image as it is, then at scales that suit it better.

    A model that was tuned on images of one microscope stays with the scale of these
    where nuclei are as large as there.
    """
    maps = yield from view.iter_maps(view.own_scale)
    if view.own_diameter is not None and policy.recognises(maps, view.own_diameter):
        return maps
    if maps.scale != 1:
        maps = yield from view.iter_maps(1.0)
    detail = view.detail
    for scale in policy.coarse_scales:
        if policy.needs_coarse_pass(maps, scale, detail):
            coarse = yield from view.iter_maps(scale)
            if policy.prefers(coarse, maps, detail):
                maps = coarse
    for _ in range(policy.max_rescalings):
        better = policy.better_scale(maps, view.typical_diameter)
        if better is None or not _is_affordable(maps, better):
            break
        rescaled = yield from view.iter_maps(better)
        if estimate_diameter(rescaled) is None:
            break  # nothing is left of what was seen before
        maps = rescaled
    return maps


def _is_affordable(maps: Maps, scale: float) -> bool:
    """Whether half of the free memory holds the image at another scale."""
    area = maps.foreground.size * scale**2
    if area * _BYTES_PER_PIXEL <= hardware.free_memory() // 2:
        return True
    warnings.warn(
        f"There is too little memory to enlarge the image {scale:.1f} times for its "
        "small nuclei; cut it into pieces to find more of them.",
        stacklevel=2,
    )
    return False


class _View:
    """An image as a network may see it: at any scale, with the same intensities."""

    def __init__(
        self,
        engine: Engine,
        config: ModelConfig,
        pixels: SeenPixels,
        max_area: int | None,
    ) -> None:
        self._engine, self._config, self._max_area = engine, config, max_area
        self._channels, self._limits = pixels

    @property
    def detail(self) -> float:
        """How much of the image is finer than a few pixels."""
        return fine_detail(self._channels, self._limits)

    @property
    def own_scale(self) -> float:
        """Scale at which the images are seen that the model was tuned on."""
        return self._config.scale

    @property
    def own_diameter(self) -> float | None:
        """Diameter of the nuclei in these images as they are, in px."""
        return self._config.image_diameter

    @property
    def typical_diameter(self) -> float:
        """Diameter that estimates are compared with, in px."""
        return self._config.estimated_diameter or self._config.diameter

    def iter_maps(
        self, scale: float, *, tta: bool = False
    ) -> Generator[TileDone, None, Maps]:
        """Evaluate the network on the image brought to a scale."""
        channels, limits = self._channels, self._limits
        shape = channels.shape[:2]
        height, width = (max(1, round(length * scale)) for length in shape)
        is_rescaled = (height, width) != shape
        if is_rescaled:
            check_memory((height, width))
            channels = rescale(normalise(channels, limits), (height, width))
            limits = (0.0, 1.0)
        maps = yield from iter_tiles(
            self._engine,
            self._config,
            channels,
            limits,
            tta=tta,
            max_area=self._max_area,
        )
        if is_rescaled:
            maps = np.moveaxis(rescale(np.moveaxis(maps, 0, -1), shape), -1, 0)
        named = dict(zip(self._config.maps, maps, strict=True))
        return Maps(**named, scale=scale)
