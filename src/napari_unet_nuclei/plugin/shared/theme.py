"""Colours of napari's theme for what napari's own style sheet does not know.

The primary button, the control that has the focus, and the plot follow the theme at
once, whichever it is.  The layout of a widget in its dock is in ``docking``.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QObject
from qtpy.QtGui import QColor

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.viewer
    from qtpy.QtWidgets import QWidget

PRIMARY = "primary"
"""Object name of the button that does the main thing."""
SECTION = "section"
"""Object name of the header of a section that can be folded."""
SMALL = "small"
"""Object name of a button that takes little room."""
PENDING = "pending"
"""Property of a button to press because the result shown is out of date."""
PROBLEM = "problem"
"""Property of a field that cannot be used as it is, and of the words that say so."""
DOUBT = "doubt"
"""Property of words that ask the user to check something."""

_FAINT = 110  # of 255: text of what cannot be used now
_LIGHT = QColor("white")
_DARK = QColor(20, 20, 22)


@dataclass(frozen=True, kw_only=True)
class Colours:
    """Colours of a theme.

    Parameters
    ----------
    background, foreground, text, accent, warning : QColor
        Of the window, of raised areas, of words, of what is active, and of what
        needs attention.
    """

    background: QColor
    foreground: QColor
    text: QColor
    accent: QColor
    warning: QColor

    @property
    def is_dark(self) -> bool:
        """Whether text is lighter than its background."""
        return self.background.lightnessF() < 0.5


def theme_colours(name: str) -> Colours:
    """Return the colours of a theme of napari.

    Parameters
    ----------
    name : str
        Its name, as ``viewer.theme`` has it.

    Returns
    -------
    Colours
        What its designer chose.
    """
    theme = get_theme(name)
    return Colours(
        background=QColor(theme.background.as_hex()),
        foreground=QColor(theme.foreground.as_hex()),
        text=QColor(theme.text.as_hex()),
        accent=QColor(theme.current.as_hex()),
        warning=QColor(theme.warning.as_hex()),
    )


def follow_theme(
    viewer: napari.viewer.Viewer, owner: QObject, paint: Callable[[Colours], object]
) -> None:
    """Paint now, and again whenever the theme changes.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose theme to follow.
    owner : QObject
        Nothing is painted after this object is destroyed.
    paint : callable
        Gets the colours.
    """
    _ThemeFollower(viewer, owner, paint).repaint()


class _ThemeFollower(QObject):
    """Paints as long as its owner lives, which keeps it.

    What is connected are methods.  Qt would call a function even after the garbage
    collector of a worker's thread has cleared it, which ends the process.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        owner: QObject,
        paint: Callable[[Colours], object],
    ) -> None:
        super().__init__(owner)
        self._viewer = viewer
        self._paint = paint
        viewer.events.theme.connect(self.repaint)
        owner.destroyed.connect(self._stop)

    def repaint(self, *_: object) -> None:
        """Paint in the colours of the theme."""
        self._paint(theme_colours(self._viewer.theme))

    def _stop(self) -> None:
        with suppress(ValueError, RuntimeError):  # the viewer may be gone as well
            self._viewer.events.theme.disconnect(self.repaint)


def mark(widget: QWidget, name: str, *, is_set: bool) -> None:
    """Set a property that the style sheet refers to.

    Parameters
    ----------
    widget : QWidget
        Changes its look with the property.
    name : str
        `PENDING`, `PROBLEM` or `DOUBT`.
    is_set : bool
        Whether it has the property from now on.
    """
    if bool(widget.property(name)) == is_set:
        return
    widget.setProperty(name, is_set)
    style: Any = widget.style()
    style.unpolish(widget)  # or the old rules stay in force
    style.polish(widget)


def style_sheet(colours: Colours) -> str:
    """Return the rules for a widget, on top of those of napari.

    Parameters
    ----------
    colours : Colours
        Those of the theme.

    Returns
    -------
    str
        A Qt style sheet.
    """
    accent, text = colours.accent, readable_on(colours.accent)
    hover = accent.lighter(115) if colours.is_dark else accent.darker(108)
    faint = QColor(colours.text)
    faint.setAlpha(_FAINT)
    focus = (accent.lighter(150) if colours.is_dark else accent.darker(170)).name()
    return f"""
    QPushButton#{PRIMARY} {{
        background-color: {accent.name()}; color: {text.name()};
        font-weight: bold; padding: 5px; border: 2px solid {accent.name()};
    }}
    QPushButton#{PRIMARY}:hover {{
        background-color: {hover.name()}; border-color: {hover.name()};
    }}
    QPushButton#{PRIMARY}:pressed {{ background-color: {accent.darker(125).name()}; }}
    QPushButton#{PRIMARY}[{PENDING}="true"] {{
        border-color: {colours.warning.name()};
    }}
    QPushButton#{PRIMARY}:focus {{ border-color: {colours.text.name()}; }}
    QPushButton#{PRIMARY}:disabled {{
        background-color: {colours.foreground.name()};
        border-color: {colours.foreground.name()};
        color: {faint.name(QColor.NameFormat.HexArgb)};
    }}
    QPushButton#{SECTION} {{
        text-align: left; font-weight: bold; padding: 4px; border: none;
        background-color: {colours.foreground.name()};
    }}
    QPushButton#{SECTION}:focus {{ border: 1px solid {focus}; padding: 3px; }}
    QPushButton#{SMALL} {{ padding: 1px 5px; }}
    QPushButton:focus {{ border: 1px solid {focus}; padding: 3px; }}
    QPushButton#{SMALL}:focus {{ border: 1px solid {focus}; padding: 0px 4px; }}
    QComboBox:focus {{ border: 1px solid {focus}; padding: 2px 9px 2px 7px; }}
    QLineEdit:focus {{ border: 1px solid {focus}; padding: 1px; }}
    QAbstractSpinBox:focus {{ border: 1px solid {focus}; padding: 0px 9px; }}
    QAbstractSpinBox QLineEdit:focus {{ border: none; padding: 2px; }}
    QCheckBox::indicator:focus {{ border: 1px solid {focus}; padding: 0px; }}
    QSlider::handle:horizontal:focus {{ background-color: {focus}; }}
    QLabel[{PROBLEM}="true"] {{ color: {problem_colour(colours).name()}; }}
    QLabel[{DOUBT}="true"] {{ color: {doubt_colour(colours).name()}; }}
    QLineEdit[{PROBLEM}="true"] {{
        border: 1px solid {problem_colour(colours).name()}; padding: 1px;
    }}
    QProgressBar::chunk {{ background-color: {accent.name()}; }}
    """


def problem_colour(colours: Colours) -> QColor:
    """Return a red for words and borders; the theme's own red is for areas."""
    return QColor("#ff8078") if colours.is_dark else QColor("#b3141c")


def doubt_colour(colours: Colours) -> QColor:
    """Return an amber for words; the theme's own warning colour is for areas."""
    return QColor("#f0ad4e") if colours.is_dark else QColor("#7d4a00")


def readable_on(background: QColor) -> QColor:
    """Return white or black, whichever is easier to read on a background."""
    return max(_LIGHT, _DARK, key=lambda colour: contrast(colour, background))


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast of two colours as WCAG 2 defines it.

    Parameters
    ----------
    one, other : QColor
        In any order.

    Returns
    -------
    float
        From 1 to 21; text is readable from 4.5 on.
    """
    light, dark = sorted(map(_luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: QColor) -> float:
    linear = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return sum(
        weight * value
        for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
