"""How nuclei are found in maps: what a user can choose, checked on creation.

Every default lives here once; the widgets and the command line read it from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, TypedDict

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.settings.choices import Link, Stain
from napari_unet_nuclei.core.settings.rules import Range, check_fields, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

MIN_AREA_SEEN = 30
"""Area in px² of what the network saw under which nuclei are dropped by default.

See docs/experiments.md."""

USUAL_DIAMETER = 20.0
"""Diameter in px of the nuclei that a network of unknown origin has learned from."""


def _choice(usual: object, value: object) -> Any:
    return type(usual)(value) if isinstance(usual, Enum) else value


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings:
    """How maps become labels.

    Parameters
    ----------
    threshold : float in (0, 1), optional
        Foreground probability above which a pixel belongs to a nucleus;
        ``None`` takes the model's own.
    separation : float in (0, 1), optional
        How eagerly touching nuclei are cut: the depth inside a nucleus above which a
        pixel belongs to its seed.  A higher one cuts more, a lower one joins more;
        ``None`` takes the model's own.
    min_area : int, in px², optional
        Nuclei smaller than this are dropped.  ``None`` takes `MIN_AREA_SEEN` of what
        the network saw: less where the image was enlarged for it, more where shrunk.
    max_area : int, in px², optional
        Nuclei larger than this are dropped; ``None`` keeps all.
    drop_border : bool
        Drop nuclei that the border of the image cuts.
    smooth : bool
        Fill holes in nuclei, and smooth spurs and notches of their outlines.
    diameter : float, in px, optional
        Typical diameter of the nuclei in this image; the image is rescaled so
        that it meets the diameter the model was trained for.  ``None`` rescales
        where the nuclei turn out much larger or smaller than that.
    tta : bool
        Average the maps over the eight flips and quarter turns of the image, or
        those of them that the network was trained with: better, and as many times
        slower.
    stain : Stain
        What shows the nuclei of a colour image: hematoxylin with eosin or with DAB,
        one of its channels, or the colours as they are.  Of these, ``Stain.AUTO``
        takes what raises the confidence of the network; grey images have no choice.
        In images of stained tissue, nuclei that are not darker than what surrounds
        them are dropped, except with ``Stain.NONE``.
    link : Link
        Along which axis of a stack nuclei are linked from plane to plane: depth, time
        or none.  ``Link.MAPS`` averages the maps of three views of a volume, which are
        then split as a whole: better, and several times slower.
    min_planes : int, optional
        Of nuclei that are linked, those in fewer planes are dropped, unless one of
        these is the first or the last.  ``None`` takes a quarter of the planes that
        nuclei typically stand in, and two at least; through time it drops none.

    Raises
    ------
    SettingsError
        If a setting is out of range, or the largest area below the smallest.

    Examples
    --------
    >>> settings = SegmentationSettings(threshold=0.4, diameter=30)
    >>> settings.threshold, settings.diameter, settings.tta, str(settings.stain)
    (0.4, 30, False, 'auto')
    """

    threshold: float | None = field(
        default=None,
        metadata=describe(
            "Foreground probability of a nucleus, 0 to 1; a lower one finds more "
            "and larger nuclei.",
            Range(
                above=0,
                below=1,
                sentence="The {name} must lie between {above} and {below}, both "
                "excluded.",
            ),
        ),
    )
    separation: float | None = field(
        default=None,
        metadata=describe(
            "How eagerly touching nuclei are cut, 0 to 1; a higher one cuts more, a "
            "lower one joins more.",
            Range(
                above=0,
                below=1,
                sentence="The {name} must lie between {above} and {below}, both "
                "excluded.",
            ),
        ),
    )
    min_area: int | None = field(
        default=None,
        metadata=describe(
            "Drop nuclei smaller than this.",
            Range(
                at_least=0,
                sentence="The minimum area must be {at_least} px² or more.",
            ),
        ),
    )
    max_area: int | None = field(
        default=None,
        metadata=describe(
            "Drop nuclei larger than this.",
            Range(
                at_least=1,
                sentence="The maximum area must be {at_least} px² or more.",
            ),
        ),
    )
    drop_border: bool = field(
        default=False,
        metadata=describe("Drop nuclei that the border of the image cuts."),
    )
    smooth: bool = field(
        default=True,
        metadata=describe(
            "Fill holes in nuclei, and smooth spurs and notches of their outlines."
        ),
    )
    diameter: float | None = field(
        default=None,
        metadata=describe(
            "Typical diameter of the nuclei, by which images are rescaled.",
            Range(
                at_least=2,
                at_most=2000,
                sentence="The nucleus {name} must lie between {at_least} and {at_most} "
                "px.",
            ),
        ),
    )
    tta: bool = field(
        default=False,
        metadata=describe(
            "Average over the flips the model was trained with, up to 8: better, and "
            "as many times slower."
        ),
    )
    stain: Stain = field(
        default=Stain.AUTO,
        metadata=describe(
            "What shows the nuclei of a colour image: hematoxylin beside eosin (he) or "
            "DAB (hdab), one channel, or all colours as they are (none)."
        ),
    )
    link: Link = field(
        default=Link.NONE,
        metadata=describe(
            "Give a nucleus one number in all planes of a stack: link its outlines "
            "through depth (z) or time (t), or look at the volume from three sides "
            "(maps): better than z, and several times slower."
        ),
    )
    min_planes: int | None = field(
        default=None,
        metadata=describe(
            "Drop linked nuclei that stand in fewer planes than this.",
            Range(
                at_least=1,
                sentence="The minimum number of planes must be {at_least} or more.",
            ),
        ),
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.max_area is not None and self.max_area < (self.min_area or 0):
            raise SettingsError(
                "The maximum area must not be below the minimum area. Received: "
                "{max_area} and {min_area}",
                max_area=self.max_area,
                min_area=self.min_area,
            )

    @classmethod
    def from_stored(
        cls, values: Mapping[str, Any], *, ignores_others: bool = False
    ) -> SegmentationSettings:
        """Return settings that were stored by name, choices as their words.

        Parameters
        ----------
        values : mapping of str to object
            Settings that differ from the defaults, or all of them.
        ignores_others : bool
            Pass over names that are none of a setting.

        Raises
        ------
        AttributeError
            If there is no setting of a name.
        TypeError, ValueError
            If a value is of a strange type or out of range, or no such choice.
        """
        usual, names = cls(), {each.name for each in fields(cls)}
        return cls(
            **{
                name: _choice(getattr(usual, name), value)
                for name, value in values.items()
                if name in names or not ignores_others
            }
        )

    def smallest_area(self, scale: float = 1.0) -> int:
        """Area under which nuclei are dropped.

        Parameters
        ----------
        scale : float
            How much larger the network saw the image than it is.

        Returns
        -------
        int, in px² of the image
            What was asked for, else the default at that scale.
        """
        if self.min_area is not None:
            return self.min_area
        return round(MIN_AREA_SEEN / scale**2)


class SegmentationOptions(TypedDict, total=False):
    """What `segment` hands on to `SegmentationSettings`, which says what each means."""

    separation: float | None
    min_area: int | None
    max_area: int | None
    drop_border: bool
    smooth: bool
    diameter: float | None
    tta: bool
    min_planes: int | None
