"""How large a pixel of an image layer is, by its scale and its units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import UNetNucleiError
from napari_unet_nuclei.core.images.calibration import LENGTH_UNITS
from napari_unet_nuclei.plugin.shared.layer_axes import image_axes
from napari_unet_nuclei.plugin.shared.layers import layer_calibration

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_unet_nuclei.core.images.calibration import Calibration

_MICROMETRE = LENGTH_UNITS["um"]


def pixel_area(layer: Image) -> float | None:
    """Return the area of a pixel.

    Parameters
    ----------
    layer : napari.layers.Image
        An image.

    Returns
    -------
    float, in µm²
        ``None`` where the layer counts pixels, or its axes are not clear.
    """
    calibration = _calibration(layer)
    if calibration is None:
        return None
    sizes = calibration.pixel_size()
    metres = LENGTH_UNITS.get(calibration.unit or "")
    if sizes is None or metres is None:
        return None
    height, width = (size * metres / _MICROMETRE for size in sizes)
    return height * width or None


def plane_spacing(layer: Image) -> float | None:
    """Return the distance between depths in pixels of a plane.

    Parameters
    ----------
    layer : napari.layers.Image
        An image.

    Returns
    -------
    float or None
        ``None`` where it is not known, or the axes of the layer are not clear.
    """
    calibration = _calibration(layer)
    return None if calibration is None else calibration.spacing()


def _calibration(layer: Image) -> Calibration | None:
    """Return how large a pixel is, where the axes of the layer are clear."""
    try:
        axes = image_axes(layer)
    except UNetNucleiError:  # which is reported when it is segmented
        return None
    spatial = axes.removesuffix("C") if layer.rgb else axes
    units = [str(unit) for unit in layer.units]
    return layer_calibration({"scale": layer.scale, "units": units}, spatial)
