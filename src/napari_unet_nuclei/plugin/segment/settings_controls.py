"""The controls for how nuclei are found, and the settings they stand for.

One row of a table for each control.  Which image and which model they are about is
known to ``form``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, FloatSlider, FloatSpinBox

from napari_unet_nuclei.core.settings.choices import Stain
from napari_unet_nuclei.core.settings.rules import help_of, range_of
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from magicgui.widgets.bases import ValueWidget

_DEFAULTS = SegmentationSettings()
_START_THRESHOLD = 0.5


@dataclass(frozen=True, kw_only=True)
class _Field:
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
        Unit of whole numbers of which 0 means automatic.
    """

    kind: type[ValueWidget[Any]]
    options: Mapping[str, Any]
    note: str = ""
    to_setting: Callable[[Any], Any]
    to_value: Callable[[Any], Any]
    acts_at_once: bool
    unit: str | None = None

    def make_control(self, name: str) -> ValueWidget[Any]:
        control = self.kind(tooltip=self.tooltip(name), **self.options)
        if self.unit is not None:
            control.native.setSuffix(f" {self.unit}")
            control.native.setDecimals(0)
            control.native.setSpecialValueText("automatic")
        return control

    def tooltip(self, name: str) -> str:
        return f"{help_of(SegmentationSettings, name)} {self.note}".rstrip()


_FIELDS = {
    "threshold": _Field(
        kind=FloatSlider,
        options={
            "value": _START_THRESHOLD,
            "min": 0.05,
            "max": 0.95,
            "step": 0.01,
            "label": "Threshold",
        },
        note="Moving it updates the labels at once.",
        to_setting=lambda value: round(value, 2),
        to_value=lambda threshold: threshold,
        acts_at_once=True,
    ),
    "min_area": _Field(
        kind=FloatSpinBox,
        options={
            "value": 0,
            "min": 0,
            "max": 1_000_000,
            "step": 1,
            "label": "Minimum area",
        },
        note=f"Automatic means {_DEFAULTS.smallest_area()} px², less where the image "
        "was enlarged and more where it was shrunk. Changing it updates the labels at "
        "once.",
        to_setting=lambda value: round(value) or None,
        to_value=lambda area: area or 0,
        acts_at_once=True,
        unit="px²",
    ),
    "diameter": _Field(
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
    "tta": _Field(
        kind=CheckBox,
        options={
            "value": _DEFAULTS.tta,
            "text": "Average flipped views",
        },
        to_setting=bool,
        to_value=bool,
        acts_at_once=False,
    ),
    "stain": _Field(
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
}


class SettingsControls:
    """A control for each field of `SegmentationSettings`.

    Keeps in step: the threshold with the model's own until the user has moved it.

    Parameters
    ----------
    own_threshold : callable
        Returns the threshold of the chosen model, ``None`` if it is not known.
    on_input : callable
        Called when a new run would see other settings.
    on_slider : callable
        Called when the maps can be split again.
    """

    def __init__(
        self,
        own_threshold: Callable[[], float | None],
        *,
        on_input: Callable[[], object],
        on_slider: Callable[[], object],
    ) -> None:
        self._own_threshold = own_threshold
        self._is_own_threshold = True
        self._controls = {
            name: field.make_control(name) for name, field in _FIELDS.items()
        }
        # Before the others hear of it, who ask for the settings.
        _connect(self["threshold"], self._take_threshold)
        for name, field in _FIELDS.items():
            _connect(self[name], on_slider if field.acts_at_once else on_input)

    def __getitem__(self, name: str) -> ValueWidget[Any]:
        """Return the control of a field."""
        return self._controls[name]

    @property
    def rows(self) -> list[ValueWidget[Any]]:
        """The controls, in the order in which they are shown."""
        return list(self._controls.values())

    @property
    def settings(self) -> SegmentationSettings:
        """What the controls say; no threshold stands for the model's own.

        Raises
        ------
        SettingsError
            If a value is out of range.
        """
        values = {name: self._setting(name) for name in _FIELDS}
        if self._is_own_threshold:
            values["threshold"] = None
        return SegmentationSettings(**values)

    def split_settings(
        self, made: SegmentationSettings, own_threshold: float
    ) -> SegmentationSettings:
        """Return what maps are split with: what acts at once, the rest as it was.

        Parameters
        ----------
        made : SegmentationSettings
            What the maps were made with.
        own_threshold : float
            The threshold of their model.
        """
        changed = {
            name: self._setting(name)
            for name, field in _FIELDS.items()
            if field.acts_at_once
        }
        if changed["threshold"] == round(own_threshold, 2):
            changed["threshold"] = own_threshold  # which may have more decimals
        return replace(made, **changed)

    def show(self, settings: SegmentationSettings) -> None:
        """Let the controls show what nuclei were found with.

        Parameters
        ----------
        settings : SegmentationSettings
            With a threshold.
        """
        self._is_own_threshold = settings.threshold == self._own_threshold()
        for name in _FIELDS:
            self._show(name, getattr(settings, name))

    def show_own_threshold(self) -> None:
        """Let the slider show the threshold of the model, unless the user moved it."""
        if self._is_own_threshold and (own := self._own_threshold()) is not None:
            self._show("threshold", own)

    def forget_threshold(self) -> None:
        """Take the model's own threshold again."""
        self._is_own_threshold = True

    def tell_own_threshold(self, own: float) -> None:
        """Say in the tooltip which threshold is the model's."""
        tooltip = _FIELDS["threshold"].tooltip("threshold")
        self["threshold"].tooltip = f"{tooltip} The model's own is {own:g}."

    def _setting(self, name: str) -> Any:
        return _FIELDS[name].to_setting(self._controls[name].value)

    def _show(self, name: str, setting: Any) -> None:
        control = self._controls[name]
        with control.changed.blocked():
            control.value = _FIELDS[name].to_value(setting)

    def _take_threshold(self) -> None:
        self._is_own_threshold = False


def _connect(control: ValueWidget[Any], callback: Callable[[], object]) -> None:
    control.changed.connect(lambda: callback())
