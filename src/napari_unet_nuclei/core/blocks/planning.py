"""How a plan is found: what is the same for all blocks, from the whole image."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from enum import Enum
from hashlib import sha256
from statistics import median_low
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core import hardware
from napari_unet_nuclei.core.blocks.grid import nearest_scale
from napari_unet_nuclei.core.blocks.plan import RunPlan, RunRequest
from napari_unet_nuclei.core.blocks.sampling import probed_boxes, sample_image
from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.files.checksums import file_sha256
from napari_unet_nuclei.core.images.channels import to_channels
from napari_unet_nuclei.core.images.nuclear_signal import NuclearSignal
from napari_unet_nuclei.core.instances.diameter import estimate_diameter
from napari_unet_nuclei.core.instances.fragments import fragment_area
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.progress import Preparing, exhaust
from napari_unet_nuclei.core.segmentation.scaled import iter_plane_maps
from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.writing.own_files import SOFTWARE

if TYPE_CHECKING:
    from collections.abc import Generator
    from fractions import Fraction
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.images.big_image import BigImage
    from napari_unet_nuclei.core.instances.maps import Maps
    from napari_unet_nuclei.core.segmentation.model import Model
    from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

_HALO = 1.5  # largest diameters that neighbours share on either side of a line
_LEAST_LARGEST = 2.0  # of the typical diameter that a model knows
_MOST_LARGEST = 10.0  # of the median diameter; beyond it something is no nucleus
_SIDES = ((3_000_000_000, 4096), (1_200_000_000, 2048))  # px by free bytes a worker
_SMALLEST_SIDE = 1024  # px
_STEP = 256  # px between other sides
_BLENDED = 3  # px that interpolation and smoothing reach, as the network sees them
_MOST_BLOCKS = 2**22  # files; more than four trillion px
_USEFUL_CHUNKS = range(64, 4097)  # px


def make_request(
    image: BigImage, model_path: Path, name: str, settings: SegmentationSettings
) -> RunRequest:
    """Return what a user asks for, to be compared with that of another run.

    Parameters
    ----------
    image : BigImage
        The image.
    model_path : Path
        File of the model.
    name : str
        What the model is called.
    settings : SegmentationSettings
        How nuclei are found.
    """
    return RunRequest(
        image=dict(image.identity),
        model=name,
        model_sha256=file_sha256(model_path),
        settings={
            name: value.value if isinstance(value, Enum) else value
            for name, value in asdict(settings).items()
        },
        package=SOFTWARE,
    )


def iter_plan(
    request: RunRequest,
    image: BigImage,
    model: Model,
    *,
    side: int | None = None,
    n_workers: int = 1,
) -> Generator[Preparing, None, tuple[RunPlan, NDArray[Any]]]:
    """Find what is the same for all blocks of an image.

    Parameters
    ----------
    request : RunRequest
        What was asked for.
    image, model : BigImage and Model
        What it names; a sample and a few windows of the image are read.
    side : int, in px, optional
        Side of the blocks; by default what the memory suffices for.
    n_workers : int
        Processes that share the memory of this computer.

    Yields
    ------
    Preparing
        Before each step.

    Returns
    -------
    RunPlan and (y, x) or (y, x, C) ndarray
        The plan, and the sample of pixels that belongs to it.
    """
    yield Preparing("Sampling the image")
    sample = sample_image(image)
    settings = request.read_settings()
    probes = []
    for box in probed_boxes(image.shape, sample):
        yield Preparing("Probing the image")
        probes.append(_probe(model, image.read(box), settings, sample))
    stain = _common_stain(probes, settings.stain, sample)
    probes = [maps for maps in probes if maps.signal is stain] or probes
    scale = _common_scale(probes, model, settings)
    sizes = _measure_sizes(probes, model, settings)
    config, stride = model.config, model.config.stride
    largest = _largest_diameter(sizes.sides, config.diameter / float(scale))
    radius = -(-config.margin // stride) * stride + _BLENDED
    plan = RunPlan(
        request=request,
        shape=image.shape,
        scale=str(scale),
        stain=stain.value,
        limits=NuclearSignal(to_channels(sample)).see(Stain.NONE).limits,
        sample_sha256=sha256(np.ascontiguousarray(sample).data).hexdigest(),
        min_part=sizes.min_part,
        largest_diameter=largest,
        side=side or choose_side(image.chunk_side, n_workers, float(scale)),
        reach=math.ceil(_HALO * largest),
        margin=math.ceil(radius / scale),
        stride=stride,
    )
    _check_side(plan)
    return plan, sample


def choose_side(chunk_side: int, n_workers: int, scale: float = 1.0) -> int:
    """Choose how large blocks are: what memory suffices for, in whole chunks.

    Parameters
    ----------
    chunk_side : int, in px
        Side of the chunks that the image is stored in.
    n_workers : int
        Processes that share the memory of this computer.
    scale : float
        How much larger the network sees the image.

    Returns
    -------
    int, in px
        About 4096, 2048 or 1024, less where the image is enlarged.
    """
    free = hardware.free_memory() // max(1, n_workers)
    wanted = next((side for least, side in _SIDES if free >= least), _SMALLEST_SIDE)
    wanted = max(_STEP, int(wanted / max(1.0, scale)) // _STEP * _STEP)
    if chunk_side not in _USEFUL_CHUNKS:
        return wanted
    return max(1, wanted // chunk_side) * chunk_side


def _check_side(plan: RunPlan) -> None:
    grid = plan.grid
    n_blocks = grid.n_rows * grid.n_columns  # more than len() may say
    if n_blocks > _MOST_BLOCKS:
        height, width = plan.shape
        raise SettingsError(
            f"Expected an image of {_MOST_BLOCKS:,} blocks at most. Received: "
            f"{n_blocks:,}, for {height:,} × {width:,} px and {{block_side}}. Check "
            "the shape that the file says, or choose larger blocks.",
            block_side=plan.side,
        )
    least = 2 * plan.reach
    if plan.side < least and max(plan.shape) > plan.side:
        raise SettingsError(
            f"Expected blocks of {least} px or more, because the largest nuclei have "
            f"about {plan.largest_diameter:.0f} px. Received: {{block_side}}",
            block_side=plan.side,
        )


def _probe(
    model: Model,
    pixels: NDArray[Any],
    settings: SegmentationSettings,
    sample: NDArray[Any],
) -> Maps:
    return exhaust(
        iter_plane_maps(
            model.engine,
            model.config,
            pixels,
            replace(settings, tta=False),
            typical=to_channels(sample),
        )
    )


def _common_stain(probes: list[Maps], asked: Stain, sample: NDArray[Any]) -> Stain:
    """Return the signal of most probes that show nuclei, or what was asked for."""
    if asked is not Stain.AUTO:
        return NuclearSignal(to_channels(sample)).settle(asked)
    shown = [maps.signal for maps in probes if estimate_diameter(maps) is not None]
    return max(shown, key=shown.count, default=Stain.NONE)


def _common_scale(
    probes: list[Maps], model: Model, settings: SegmentationSettings
) -> Fraction:
    if settings.diameter is not None:
        return nearest_scale(model.config.diameter / settings.diameter)
    scales = [maps.scale for maps in probes if estimate_diameter(maps) is not None]
    return nearest_scale(median_low(scales) if scales else model.config.scale)


class _Sizes:
    """Sizes of what is found in the probes.

    Attributes
    ----------
    sides : list of int, in px
        Larger side of the box around each nucleus.
    min_part : int, in px²
        Median over the probes of what is a fragment.
    """

    def __init__(self, sides: list[int], min_part: int) -> None:
        self.sides, self.min_part = sides, min_part


def _measure_sizes(
    probes: list[Maps], model: Model, settings: SegmentationSettings
) -> _Sizes:
    sides, parts = [], []
    for maps in probes:
        least = settings.smallest_area(maps.scale)
        labels = split_instances(
            maps,
            model.config.splitting,
            threshold=settings.threshold,
            min_area=least,
            separation=settings.separation,
            smooth=settings.smooth,
            min_part=0,
        )
        sides += [
            max(rows.stop - rows.start, columns.stop - columns.start)
            for rows, columns in ndimage.find_objects(labels)
        ]
        areas = np.bincount(labels.ravel(), minlength=1)[1:]
        if areas.size:
            parts.append(fragment_area(maps, areas, least))
    return _Sizes(sides, median_low(parts) if parts else 0)


def _largest_diameter(sides: list[int], typical: float) -> float:
    """Return the largest diameter in px, of what can be a nucleus."""
    least = _LEAST_LARGEST * typical
    if not sides:
        return least
    most = max(least, _MOST_LARGEST * float(np.median(sides)))
    return min(max(least, float(max(sides))), most)
