"""A table with one row for each control of how nuclei are found.

What the controls stand for together is in ``settings_controls``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, FloatSlider, FloatSpinBox

from napari_unet_nuclei.core.settings.choices import Link, Stain
from napari_unet_nuclei.core.settings.rules import help_of, range_of
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from magicgui.widgets.bases import ValueWidget

_DEFAULTS = SegmentationSettings()
_MOST_AREA = 1_000_000  # px², or µm²
_MOST_PLANES = 1000


@dataclass(frozen=True, kw_only=True)
class ControlField:
    """How one field of `SegmentationSettings` is chosen.

    Parameters
    ----------
    kind : type
        Kind of the control.
    options : mapping
        Its keyword arguments.
    note : str
        What its tooltip says after the help text of the field.
    to_setting, to_value : callable
        Turn the value of the control into that of the field, and back.
    acts_at_once : bool
        Whether the maps at hand can be split with another value, without a new run.
    unit : str, optional
        Unit of numbers of which 0 is said in words.
    zero : str
        These words.
    own : str, optional
        Name of the model's own value among its splitting parameters, where it has one.
    is_area : bool
        Whether it is an area in px², which may be shown in other units.
    """

    kind: type[ValueWidget[Any]]
    options: Mapping[str, Any]
    note: str = ""
    to_setting: Callable[[Any], Any]
    to_value: Callable[[Any], Any]
    acts_at_once: bool
    unit: str | None = None
    zero: str = "automatic"
    own: str | None = None
    is_area: bool = field(default=False)

    def make_control(self, name: str) -> ValueWidget[Any]:
        """Make the control of the field of this name."""
        control = self.kind(tooltip=self.tooltip(name), **self.options)
        if self.unit is not None:
            control.native.setSuffix(f" {self.unit}")
            control.native.setDecimals(0)
            control.native.setSpecialValueText(self.zero)
        return control

    def tooltip(self, name: str) -> str:
        """Return what the control of the field of this name says about itself."""
        return f"{help_of(SegmentationSettings, name)} {self.note}".rstrip()


def _slider(label: str, step: float, own: str, note: str) -> ControlField:
    return ControlField(
        kind=FloatSlider,
        options={
            "value": 0.5,
            "min": 0.05,
            "max": 0.95,
            "step": step,
            "label": label,
        },
        note=note,
        to_setting=lambda value: round(value, 2),
        to_value=lambda setting: setting,
        acts_at_once=True,
        own=own,
    )


def _area(label: str, zero: str, note: str) -> ControlField:
    return ControlField(
        kind=FloatSpinBox,
        options={"value": 0, "min": 0, "max": _MOST_AREA, "step": 1, "label": label},
        note=note,
        to_setting=lambda value: round(value) or None,
        to_value=lambda area: area or 0,
        acts_at_once=True,
        unit="px²",
        zero=zero,
        is_area=True,
    )


def _check_box(text: str, *, value: bool, acts_at_once: bool) -> ControlField:
    return ControlField(
        kind=CheckBox,
        options={"value": value, "text": text},
        to_setting=bool,
        to_value=bool,
        acts_at_once=acts_at_once,
    )


FIELDS = {
    "threshold": _slider(
        "Threshold", 0.01, "threshold", "Moving it updates the labels at once."
    ),
    "separation": _slider(
        "Separation",
        0.05,
        "seed_threshold",
        "Moving it updates the labels at once.",
    ),
    "min_area": _area(
        "Smallest nucleus",
        "automatic",
        f"Automatic means {_DEFAULTS.smallest_area()} px², less where the image was "
        "enlarged and more where it was shrunk. Changing it updates the labels at "
        "once.",
    ),
    "max_area": _area(
        "Largest nucleus", "no limit", "Changing it updates the labels at once."
    ),
    "drop_border": _check_box(
        "Drop nuclei at the border", value=_DEFAULTS.drop_border, acts_at_once=True
    ),
    "smooth": _check_box("Fill and smooth", value=_DEFAULTS.smooth, acts_at_once=True),
    "diameter": ControlField(
        kind=FloatSpinBox,
        options={
            "value": 0,
            "min": 0,
            "max": range_of(SegmentationSettings, "diameter").at_most,
            "step": 1,
            "label": "Nucleus diameter",
        },
        note="Automatic estimates the diameter, and rescales where it is far from what "
        "the model was trained on.",
        to_setting=lambda value: value or None,
        to_value=lambda diameter: diameter or 0,
        acts_at_once=False,
        unit="px",
    ),
    "tta": _check_box("Average flipped views", value=_DEFAULTS.tta, acts_at_once=False),
    "stain": ControlField(
        kind=ComboBox,
        options={
            "value": _DEFAULTS.stain,
            "choices": [
                ("automatic", Stain.AUTO),
                ("hematoxylin (H&E)", Stain.HE),
                ("hematoxylin beside DAB", Stain.HDAB),
                ("red channel", Stain.RED),
                ("green channel", Stain.GREEN),
                ("blue channel", Stain.BLUE),
                ("image as it is", Stain.NONE),
            ],
            "label": "Stain",
        },
        note="Automatic takes what the model is most confident of, and the line below "
        "says which. Grey images have no choice.",
        to_setting=Stain,
        to_value=Stain,
        acts_at_once=False,
    ),
    "link": ControlField(
        kind=ComboBox,
        options={
            "value": _DEFAULTS.link,
            "choices": [
                ("no, each plane alone", Link.NONE),
                ("through depth (Z)", Link.Z),
                ("through time (T)", Link.T),
            ],
            "label": "Link planes",
        },
        note="Changing it updates the labels at once.",
        to_setting=Link,
        to_value=Link,
        acts_at_once=True,
    ),
    "min_planes": ControlField(
        kind=FloatSpinBox,
        options={
            "value": 0,
            "min": 0,
            "max": _MOST_PLANES,
            "step": 1,
            "label": "Fewest planes",
        },
        note="Automatic means a quarter of the planes that nuclei typically stand in, "
        "and two at least; through time, 1. Nuclei of the first and of the last plane "
        "are kept. Changing it updates the labels at once.",
        to_setting=lambda value: round(value) or None,
        to_value=lambda n_planes: n_planes or 0,
        acts_at_once=True,
        unit="planes",
    ),
}
"""By the names of the fields, in the order in which they are shown."""
