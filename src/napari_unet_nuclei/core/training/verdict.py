"""What a training run has come to, in a sentence: better than its start or not.

Command line and widgets say the same, and say it from here.  How scores and intervals
are measured is in :mod:`~napari_unet_nuclei.core.training.held_out`.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet_nuclei.core.evaluation.intervals import Interval, write_score
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.steps import SCORE_NAMES

FEW_NUCLEI = 30
"""Held-out nuclei below which one more or less moves a score by several hundredths."""

_FEW_STEPS = 50  # within the warm-up of the learning rate
# Scores from which little is left to gain; two annotators often agree less.
_ALREADY_GOOD = {Monitor.DSB2018: 0.8, Monitor.AP50: 0.95, Monitor.DICE: 0.95}


@dataclass(frozen=True, kw_only=True)
class HeldOutComparison:
    """How a new model and its start do on the same held-out part.

    Parameters
    ----------
    model : str
        Name of the new model.
    start : str, optional
        Name of the model that training started from; ``None`` from scratch.
    monitor : Monitor
        Score that decides, which all numbers here are of.
    n_images, n_nuclei : int
        Size of the held-out part: images or parts of images, and true nuclei.
    score : float in [0, 1]
        That of the best weights of the run, those of the start included.
    start_score : float in [0, 1], optional
        That of the start.
    interval, start_interval, gain : Interval, optional
        Where both scores and their difference most likely lie on more such images;
        ``None`` where there is too little to tell.
    ap50, start_ap50 : float in [0, 1], optional
        AP50 of both, to be said beside another score that decides.
    ap50_interval : Interval, optional
        Where the first most likely lies.
    n_steps : int
        Steps that were trained.
    failure : str, optional
        Why what was learned is not kept, as a clause without a full stop.
    loss, start_loss : float, optional
        How far the maps of both are from the labels, where so few nuclei are held out
        that this decides; equal where the start is kept.
    """

    model: str
    start: str | None
    monitor: Monitor = Monitor.DSB2018
    n_images: int
    n_nuclei: int
    score: float
    start_score: float | None = None
    interval: Interval | None = None
    start_interval: Interval | None = None
    gain: Interval | None = None
    ap50: float | None = None
    start_ap50: float | None = None
    ap50_interval: Interval | None = None
    n_steps: int
    failure: str | None = None
    loss: float | None = None
    start_loss: float | None = None

    @property
    def has_gained(self) -> bool:
        """Whether the score is higher than that of the start."""
        return self.start_score is None or self.score > self.start_score

    @property
    def is_nearer(self) -> bool:
        """Whether the maps are nearer to the labels than those of the start."""
        if self.loss is None or self.start_loss is None:
            return False
        return self.loss < self.start_loss


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a run has come to.

    Parameters
    ----------
    is_better : bool
        Whether the new model scores higher than its start, or cannot be told from it
        by its score and has a lower loss; true where there was no start.
    is_certain : bool
        Whether it is better by more than the chance of what was held out.
    sentence : str
        Better or no better, with scores, and why.
    advice : str, optional
        What would help, in a sentence; ``None`` where nothing is known to.
    """

    is_better: bool
    is_certain: bool
    sentence: str
    advice: str | None


def make_verdict(found: HeldOutComparison) -> Verdict:
    """Say whether training helped, why or why not, and what would help.

    Parameters
    ----------
    found : HeldOutComparison
        The scores of both models.

    Returns
    -------
    Verdict
        In words.

    Examples
    --------
    >>> found = HeldOutComparison(
    ...     model="mine", start="resnet", n_images=5, n_nuclei=200, n_steps=400,
    ...     score=0.85, start_score=0.8, interval=Interval(0.8, 0.9),
    ...     gain=Interval(0.02, 0.08),
    ... )
    >>> verdict = make_verdict(found)
    >>> print(verdict.sentence)
    mine is better than resnet: DSB2018 score .80 → .85 (about .80 to .90) on 5 \
held-out images with 200 nuclei; the gain of about .02 to .08 is more than chance.
    >>> print(verdict.advice)
    To gain more, label nuclei where it still errs.
    """
    is_better = found.start_score is None or (
        found.failure is None and (found.has_gained or found.is_nearer)
    )
    is_certain = found.start_score is None or (
        is_better and found.gain is not None and found.gain.low > 0
    )
    return Verdict(
        is_better=is_better,
        is_certain=is_certain,
        sentence=_make_sentence(found, is_better=is_better, is_certain=is_certain),
        advice=_advise(found, is_better=is_better, is_certain=is_certain),
    )


def _make_sentence(
    found: HeldOutComparison, *, is_better: bool, is_certain: bool
) -> str:
    if not is_better:
        return (
            f"Training found nothing better than {found.start}, which has "
            f"{_describe_start(found)}, because {_explain_failure(found)}."
        )
    reached = _describe_model(found)
    if found.start_score is None:
        return f"{found.model} reaches {reached}."
    if is_certain:
        return (
            f"{found.model} is better than {found.start}: {reached}; the gain of "
            f"{found.gain} is more than chance."
        )
    if not found.has_gained:
        losses = (
            f"{write_score(found.start_loss or 0)} → {write_score(found.loss or 0)}"
        )
        return (
            f"{found.model} may be better than {found.start}: {reached}; so few nuclei "
            f"cannot tell, but its maps are nearer to the labels (loss {losses})."
        )
    likely = "" if found.gain is None else f" ({found.gain})"
    return (
        f"{found.model} may be better than {found.start}: {reached}; so small a gain"
        f"{likely} can be chance."
    )


def _describe_model(found: HeldOutComparison) -> str:
    """Say the scores of the new model, with those of the start before them."""
    name = SCORE_NAMES[found.monitor]
    text = _describe_score(name, found.score, found.interval, found.start_score)
    if found.ap50 is not None and found.monitor is not Monitor.AP50:
        ap50 = _describe_score(
            SCORE_NAMES[Monitor.AP50], found.ap50, found.ap50_interval, found.start_ap50
        )
        text = f"{text} and {ap50}"
    return f"{text} on {_describe_size(found)}"


def _describe_start(found: HeldOutComparison) -> str:
    name, score = SCORE_NAMES[found.monitor], found.start_score or 0
    text = _describe_score(name, score, found.start_interval)
    return f"{text} on {_describe_size(found)}"


def _describe_score(
    name: str, score: float, interval: Interval | None, before: float | None = None
) -> str:
    """Return such as ``"AP50 .79 → .82 (about .75 to .90)"``."""
    values = "" if before is None else f"{write_score(before)} → "
    likely = "" if interval is None else f" ({interval})"
    return f"{name} {values}{write_score(score)}{likely}"


def _describe_size(found: HeldOutComparison) -> str:
    images = "image" if found.n_images == 1 else "images"
    nuclei = "nucleus" if found.n_nuclei == 1 else "nuclei"
    return f"{found.n_images} held-out {images} with {found.n_nuclei:,} {nuclei}"


def _explain_failure(found: HeldOutComparison) -> str:
    """Say why there is nothing better, in a clause."""
    if found.failure is not None:
        return found.failure
    if found.n_steps < _FEW_STEPS:
        return f"so few steps ({found.n_steps}) teach nothing yet"
    if (found.start_score or 0) >= _ALREADY_GOOD[found.monitor]:
        return "that is already so good that little is left to gain"
    if found.n_nuclei < FEW_NUCLEI:
        return "so few held-out nuclei can hardly show a gain"
    return "what it learned did not help on the part that was held out"


def _advise(
    found: HeldOutComparison, *, is_better: bool, is_certain: bool
) -> str | None:
    """Say what would help, in a sentence."""
    if found.failure is not None:
        return "Check the labels, and train with a smaller learning rate."
    best = max(found.score, found.start_score or 0)
    if not is_better and found.n_steps < _FEW_STEPS:
        return "Train longer."
    if best >= _ALREADY_GOOD[found.monitor] and (is_certain or not is_better):
        return None if is_better else f"Go on with {found.start}."
    if found.n_nuclei < FEW_NUCLEI:
        return (
            f"Label more nuclei: with {found.n_nuclei} of them held out, scores are "
            "uncertain."
        )
    if is_certain and found.start is not None:
        return "To gain more, label nuclei where it still errs."
    model = found.model if is_better else found.start
    return f"Label more nuclei where {model} errs."
