"""Draw the learning curve on the page about training, from the table there.

python docs/make_learning_curve.py
"""

from __future__ import annotations

from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

DOCS = Path(__file__).parent
TARGET = DOCS / "images" / "learning-curve.svg"
HEADING = "## How many nuclei"
COLOURS = ("#0072b2", "#d55e00", "#009e73")  # Okabe and Ito: distinct for all readers
START = "none"  # how the table calls the first row


def read_table(text: str) -> dict[str, dict[int, float]]:
    """Read each score by the number of painted nuclei, 0 for the start."""
    section = text.split(HEADING)[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    (_, *names), _, *rows = rows
    curves: dict[str, dict[int, float]] = {name: {} for name in names}
    for painted, *scores in rows:
        n = 0 if painted.startswith(START) else int(painted.split(",")[0])
        for name, score in zip(names, scores, strict=True):
            curves[name][n] = float(score)
    return curves


def draw(curves: dict[str, dict[int, float]]) -> Figure:
    """Draw a line for each score, and that of the start as a dashed one."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, curve) in zip(COLOURS, curves.items(), strict=False):
        start = curve.pop(0)
        axes.axhline(start, color=colour, linestyle="--", linewidth=1)
        axes.plot(list(curve), list(curve.values()), "o-", color=colour, label=name)
    ticks = sorted({n for curve in curves.values() for n in curve})
    axes.set(
        xscale="log",
        xlabel="nuclei painted",
        ylabel="score on fresh images",
        ylim=(None, 1),
    )
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, title="dashed: nothing painted")
    return figure


def main() -> None:
    """Write the picture."""
    curves = read_table((DOCS / "training.md").read_text(encoding="utf-8"))
    with rc_context({"svg.hashsalt": TARGET.name}):  # the same file each time
        draw(curves).savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    main()
