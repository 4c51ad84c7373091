"""Which axes an image has: those that the user names, or those of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import ImageError, SettingsError
from napari_unet_nuclei.core.images.axes import check_axes

if TYPE_CHECKING:
    from napari_unet_nuclei.core.images.stored_image import StoredImage

_MOST_NAMED = 12
_COLOURS = ({"red", "green", "blue"}, {"r", "g", "b"})


def settle_axes(
    image: StoredImage, given: str | None, channel: int | None
) -> tuple[str | None, str | None]:
    """Return the axes of an image from a file.

    Parameters
    ----------
    image : StoredImage
        The image.
    given : str, optional
        What the user calls the axes of the images.  It counts more than what the file
        says, but for colours, and for planes where a stack was expected.
    channel : int, optional
        The channel that the user chose.

    Returns
    -------
    axes : str or None
        One letter an axis; ``None`` where nobody has named them.
    warning : str or None
        One sentence where the user and the file disagree.

    Raises
    ------
    SettingsError
        If the user has named other letters than there are, or too few.
    ImageError
        If there are several channels and none was chosen.
    """
    axes, warning = _settle(image, given)
    if channel is None and axes is not None and "C" in axes:
        _check_is_chosen(image, axes, are_colours=given is not None)
    return axes, warning


def _settle(image: StoredImage, given: str | None) -> tuple[str | None, str | None]:
    stored, n_axes = image.axes, image.pixels.ndim
    if given is None:
        return stored, None
    given = check_axes(given)
    if stored is None:
        # A plane is a stack of one.
        return ("YX" if n_axes == 2 and len(given) > 2 else given), None
    says = stored.replace("S", "C")
    if len(given) != n_axes and set(says) <= set(given):
        return stored, None
    if stored.endswith("S") and not given.endswith("C"):
        return stored, (
            f"Its last axis holds the colours of a pixel ({stored}): the axes {given} "
            "were not used."
        )
    if len(given) != n_axes:
        raise SettingsError(
            f"Axes must name each of the {n_axes} axes of the image, which its header "
            f"calls {stored}. Received: axes={given!r}"
        )
    if given == says:
        return stored, None
    return given, f"Its header says {stored}: the axes {given} were used instead."


def _check_is_chosen(image: StoredImage, axes: str, *, are_colours: bool) -> None:
    """Ask which of several channels to use, which are not said to be colours."""
    names = image.channels
    if image.pixels.ndim != len(axes):
        return  # said elsewhere
    n_channels = image.pixels.shape[axes.index("C")]
    are_colours = are_colours or {name.lower() for name in names} in _COLOURS
    may_be = (3, 4) if axes.endswith("C") else (3,)  # with alpha only behind them
    if n_channels == 1 or (are_colours and n_channels in may_be):
        return
    listed = ", ".join(f"{i} {name}" for i, name in enumerate(names[:_MOST_NAMED]))
    more = ", …" if names[_MOST_NAMED:] else ""
    use_all = f", or --axes {axes} to use all as colours" if n_channels == 3 else ""
    raise ImageError(
        "Expected a choice of the channel that shows the nuclei. Received: an image "
        f"with {n_channels} channels{f' ({listed}{more})' if names else ''}. Choose "
        f"one with --channel, 0 to {n_channels - 1}{use_all}."
    )
