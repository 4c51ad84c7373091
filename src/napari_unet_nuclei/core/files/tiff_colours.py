"""Numbers as a TIFF stores them → colours and intensities as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffPage

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.palettes import apply_palette

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OTHER_COLOURS = {
    PHOTOMETRIC.CIELAB,
    PHOTOMETRIC.ICCLAB,
    PHOTOMETRIC.ITULAB,
    PHOTOMETRIC.LOGL,
    PHOTOMETRIC.LOGLUV,
    PHOTOMETRIC.CFA,  # one colour per pixel, as the sensor of a camera gives it
}
_CODECS_WITHOUT_COLOURS = {
    COMPRESSION.NONE,
    COMPRESSION.LZW,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
}
_ALPHA = {(EXTRASAMPLE.ASSOCALPHA,), (EXTRASAMPLE.UNASSALPHA,)}


def check_colours(page: TiffPage, name: str) -> None:
    """Refuse colours that `interpret_colours` does not know.

    Parameters
    ----------
    page : TiffPage
        The first page of an image.
    name : str
        What the message calls the file.

    Raises
    ------
    ImageError
        If they are of a rare kind, such as CIELAB.
    """
    if _has_rare_colours(page):
        raise ImageError(
            "Expected a TIFF with grey, RGB, CMYK or palette colours. Received: "
            f"{name} with {PHOTOMETRIC(page.photometric).name} colours. Convert it "
            "to RGB."
        )


def _has_rare_colours(page: TiffPage) -> bool:
    match page.photometric:
        case PHOTOMETRIC.YCBCR:  # the codecs of JPEG make RGB of it
            return page.compression in _CODECS_WITHOUT_COLOURS
        case PHOTOMETRIC.SEPARATED:
            return page.dtype is None or page.dtype.kind != "u"
    return page.photometric in _OTHER_COLOURS


def interpret_colours(
    array: NDArray[Any], page: TiffPage, as_shown: bool
) -> NDArray[Any]:
    """Return grey or RGB for inks, palettes, white that is zero, and grey with alpha.

    Parameters
    ----------
    array : (…, Y, X) or (…, Y, X, S) ndarray
        Numbers as stored.
    page : TiffPage
        The first page of the image, whose tags say what they are.
    as_shown : bool
        As in `napari_unet_nuclei.core.files.tiff.read_tiff`.

    Returns
    -------
    (…, Y, X) or (…, Y, X, 3 or 4) ndarray
        Grey or colour.
    """
    match page.photometric:
        # Masks of one bit are labelled so by tifffile, whatever they hold.
        case PHOTOMETRIC.MINISWHITE if as_shown and array.dtype.kind == "u":
            return _invert(array, page.bitspersample)
        case PHOTOMETRIC.PALETTE if page.colormap is not None:
            return apply_palette(array, _palette(page.colormap), as_shown)
        case PHOTOMETRIC.SEPARATED if array.shape[-1] >= 4:
            return _cmyk_to_rgb(array[..., :4], 2**page.bitspersample - 1)
        case PHOTOMETRIC.MINISBLACK if page.extrasamples[:1] in _ALPHA:
            return array[..., 0].copy()
    return array


def _invert(array: NDArray[Any], n_bits: int) -> NDArray[Any]:
    # Of four bits that are kept in eight only the four count.
    inverted: NDArray[Any] = ~array & array.dtype.type(2**n_bits - 1)
    return inverted


def _cmyk_to_rgb(inks: NDArray[Any], largest: int) -> NDArray[Any]:
    light = largest - inks.astype(np.float32)
    rgb: NDArray[Any] = np.rint(light[..., :3] * light[..., 3:] / largest)
    return rgb.astype(inks.dtype)


def _palette(colormap: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Turn (3, N) colours of 16 bits, of 8 in some old files, into (N, 3) of 8."""
    has_16_bits = bool(np.any(colormap > 255))
    return (colormap >> 8 if has_16_bits else colormap).T.astype(np.uint8)
