"""The controls for how nuclei are found, and the settings they stand for.

Each control is a row of the table in ``control_fields``.  Which image and which model
they are about is known to ``form``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.plugin.segment.control_fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from magicgui.widgets.bases import ValueWidget

    from napari_unet_nuclei.core.instances.maps import SplittingParameters

_OWN = {name: field.own for name, field in FIELDS.items() if field.own is not None}


class SettingsControls:
    """A control for each field of `SegmentationSettings`.

    Keeps in step: threshold and separation with the model's own until the user has
    moved them; areas with the size of a pixel.

    Parameters
    ----------
    own_parameters : callable
        Returns how the chosen model splits its maps, ``None`` if it is not known.
    on_input : callable
        Called when a new run would see other settings.
    on_slider : callable
        Called when the maps can be split again.
    """

    def __init__(
        self,
        own_parameters: Callable[[], SplittingParameters | None],
        *,
        on_input: Callable[[], object],
        on_slider: Callable[[], object],
    ) -> None:
        self._own_parameters = own_parameters
        self._on_input, self._on_slider = on_input, on_slider
        self._is_own = dict.fromkeys(_OWN, True)
        self._pixel_area: float | None = None
        self._controls = {
            name: field.make_control(name) for name, field in FIELDS.items()
        }
        # Before the others hear of it, who ask for the settings.
        for name in _OWN:
            _connect(self[name], partial(self._is_own.__setitem__, name, False))
        for name, field in FIELDS.items():
            _connect(self[name], on_slider if field.acts_at_once else on_input)

    def __getitem__(self, name: str) -> ValueWidget[Any]:
        """Return the control of a field."""
        return self._controls[name]

    @property
    def rows(self) -> list[ValueWidget[Any]]:
        """The controls, in the order of the table."""
        return list(self._controls.values())

    @property
    def settings(self) -> SegmentationSettings:
        """What the controls say; what is the model's own is ``None``.

        Raises
        ------
        SettingsError
            If a value is out of range.
        """
        return SegmentationSettings(**{name: self._setting(name) for name in FIELDS})

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

        Raises
        ------
        SettingsError
            If a value is out of range.
        """
        changed = {
            name: self._setting(name)
            for name, field in FIELDS.items()
            if field.acts_at_once
        }
        threshold = FIELDS["threshold"].to_setting(self["threshold"].value)
        if threshold == round(own_threshold, 2):
            threshold = own_threshold  # which may have more decimals
        return replace(made, **(changed | {"threshold": threshold}))

    def show(self, settings: SegmentationSettings) -> None:
        """Let the controls show what nuclei were found with.

        Parameters
        ----------
        settings : SegmentationSettings
            Any.
        """
        for name, own in self._own_values().items():
            self._is_own[name] = getattr(settings, name) in (None, own)
        for name in FIELDS:
            if not self._is_own.get(name, False):
                self._show(name, getattr(settings, name))
        self.show_own()

    def restore_defaults(self) -> None:
        """Set everything back, as if the user had done so."""
        before = self._values()
        self.show(SegmentationSettings())
        self._tell_changed(before)

    def restore_own(self) -> None:
        """Set the sliders back to the model's own, as if the user had done so."""
        before = self._values()
        self.forget_own()
        self.show_own()
        self._tell_changed(before)

    def show_own(self) -> None:
        """Let the sliders show what is the model's own, unless the user moved them."""
        for name, own in self._own_values().items():
            if self._is_own[name] and own is not None:
                self._show(name, own)

    def forget_own(self) -> None:
        """Take the model's own threshold and separation again."""
        self._is_own.update(dict.fromkeys(_OWN, True))

    def tell_own(self, parameters: SplittingParameters) -> None:
        """Say in the tooltips what is the model's own."""
        for name, parameter in _OWN.items():
            tooltip, own = FIELDS[name].tooltip(name), getattr(parameters, parameter)
            self[name].tooltip = f"{tooltip} The model's own is {own:g}."

    def use_pixel_area(self, pixel_area: float | None) -> None:
        """Show areas in µm² where it is known how large a pixel is, else in px².

        Parameters
        ----------
        pixel_area : float, in µm², optional
            Area of a pixel.
        """
        if pixel_area == self._pixel_area:
            return
        names = [name for name, field in FIELDS.items() if field.is_area]
        areas = {name: self._setting(name) for name in names}
        self._pixel_area = pixel_area
        decimals = max(0, math.ceil(-math.log10(pixel_area))) if pixel_area else 0
        for name, area in areas.items():
            box = self[name].native
            with self[name].changed.blocked():
                box.setSuffix(" px²" if pixel_area is None else " µm²")
                box.setDecimals(decimals)
            self._show(name, area)

    def _own_values(self) -> dict[str, float | None]:
        parameters = self._own_parameters()
        return {
            name: None if parameters is None else getattr(parameters, parameter)
            for name, parameter in _OWN.items()
        }

    def _setting(self, name: str) -> Any:
        if self._is_own.get(name, False):
            return None
        field, value = FIELDS[name], self._controls[name].value
        if field.is_area and self._pixel_area is not None:
            value /= self._pixel_area
        return field.to_setting(value)

    def _show(self, name: str, setting: Any) -> None:
        control, field = self._controls[name], FIELDS[name]
        value = field.to_value(setting)
        if field.is_area and self._pixel_area is not None:
            value *= self._pixel_area
        with control.changed.blocked():
            control.value = value

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self._controls.items()}

    def _tell_changed(self, before: dict[str, Any]) -> None:
        """Call back once for each kind of control that has changed."""
        now = self._values()
        changed = [field for name, field in FIELDS.items() if before[name] != now[name]]
        if any(field.acts_at_once for field in changed):
            self._on_slider()
        if any(not field.acts_at_once for field in changed):
            self._on_input()


def _connect(control: ValueWidget[Any], callback: Callable[[], object]) -> None:
    control.changed.connect(lambda: callback())
