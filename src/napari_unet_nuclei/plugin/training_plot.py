"""Loss and held-out score of a run, drawn while it goes on.

matplotlib is imported when the first plot is made, not when napari starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_unet_nuclei.plugin.training_events import StepEvent

_LOSS_COLOUR = "#e6b450"
_SCORE_COLOUR = "#59c2ff"


class TrainingPlot:
    """A small figure that grows by one point an event.

    Parameters
    ----------
    background, text : str
        Colours of napari's theme, as matplotlib understands them.
    """

    def __init__(self, background: str, text: str) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(3.2, 2.0), layout="constrained", facecolor=background)
        self._canvas = FigureCanvasQTAgg(figure)  # type: ignore[no-untyped-call]
        self._canvas.setFixedHeight(190)
        self._loss_axes = figure.subplots()
        self._score_axes = self._loss_axes.twinx()
        self._losses: list[tuple[float, float]] = []
        self._scores: list[tuple[float, float]] = []
        for axes in (self._loss_axes, self._score_axes):
            axes.set_facecolor(background)
            axes.tick_params(colors=text, labelsize=8)
            for spine in axes.spines.values():
                spine.set_color(text)
        self._loss_axes.set_xlabel("minutes", color=text, fontsize=8)
        self._loss_axes.set_ylabel("training loss", color=_LOSS_COLOUR, fontsize=8)
        self._score_axes.set_ylabel(
            "score on held-out part", color=_SCORE_COLOUR, fontsize=8
        )
        (self._loss_line,) = self._loss_axes.plot(
            [], [], color=_LOSS_COLOUR, marker="."
        )
        (self._score_line,) = self._score_axes.plot(
            [], [], color=_SCORE_COLOUR, marker="o", markersize=3
        )
        self._start_line = self._score_axes.axhline(
            0, color=_SCORE_COLOUR, linestyle=":", visible=False
        )

    @property
    def widget(self) -> QWidget:
        """The canvas, to be put into a layout."""
        return self._canvas

    @property
    def n_points(self) -> tuple[int, int]:
        """Points on the curves of loss and score."""
        return len(self._losses), len(self._scores)

    def clear(self) -> None:
        """Begin a new run."""
        self._losses.clear()
        self._scores.clear()
        self._start_line.set_visible(False)
        self._draw()

    def add(self, event: StepEvent) -> None:
        """Add what an event says.

        Parameters
        ----------
        event : StepEvent
            Loss, or score, or both; the score before the first epoch, that of the
            model to beat, is drawn all across.
        """
        minutes = event.seconds / 60
        if event.loss is not None:
            self._losses.append((minutes, event.loss))
        if event.score is not None:
            self._scores.append((minutes, event.score))
            if event.epoch == 0:
                self._start_line.set_ydata([event.score, event.score])
                self._start_line.set_visible(True)
        self._draw()

    def _draw(self) -> None:
        for line, points in (
            (self._loss_line, self._losses),
            (self._score_line, self._scores),
        ):
            line.set_data([x for x, _ in points], [y for _, y in points])
        for axes in (self._loss_axes, self._score_axes):
            axes.relim(visible_only=True)
            axes.autoscale_view()
        self._canvas.draw_idle()  # type: ignore[no-untyped-call]
