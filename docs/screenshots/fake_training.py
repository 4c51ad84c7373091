"""A process that tells of a training in seconds, as the real one does in minutes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.training.verdict import HeldOutComparison, make_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

# Its first sleep keeps the message on show, as when Keras starts; the second
# makes the curve grow while a picture is taken.
FAKE = """
import json, math, sys, time
from pathlib import Path
output, how = Path(sys.argv[1]), sys.argv[2]
def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)
say("status", message="Starting Keras")
time.sleep(0.5)
if how == "error":
    say("error", message="x", template="The time must be above 0. Received: {minutes}.",
        settings={"minutes": 0})
    sys.exit(1)
gain = 0.09 if how == "better" else -0.06
for step in range(120):
    epoch, seconds = step // 12, step * 2.2
    score = 0.61 + gain * (1 - math.exp(-epoch / 3)) if step % 12 == 0 else None
    say("step", epoch=epoch, progress=step / 130, seconds=seconds, is_best=False,
        loss=0.16 + 0.2 * math.exp(-step / 30) + 0.004 * math.sin(step * 5),
        scores=None if score is None else {"dsb2018": score},
        note=NOTE if step == 40 and how == "worse" else None)
    time.sleep(0.08)
if how == "better":
    output.write_bytes(b"")
say("finished", output=str(output), scores={"dsb2018": 0.7 if gain > 0 else 0.61},
    start_scores={"dsb2018": 0.61}, is_better_than_start=gain > 0, seconds=264,
    warning=None, **json.loads(sys.argv[3])[how])
"""
NOTE = "The loss was no number: back to the last good weights, at half of the rate."
FAKE = FAKE.replace("NOTE", repr(NOTE))


def fake_verdict(*, is_better: bool) -> dict[str, str | None]:
    """Return what training says of two scores."""
    verdict = make_verdict(
        HeldOutComparison(
            model="my-nuclei",
            start="resnet",
            n_images=2,
            n_nuclei=31,
            score=0.7 if is_better else 0.61,
            start_score=0.61,
            n_steps=480,
        )
    )
    return {"verdict": verdict.sentence, "advice": verdict.advice}


def fake_training(how: str) -> Callable[..., list[str]]:
    """Return the command of a process that tells of a training in seconds."""
    return lambda data, output, start, minutes: [
        *(sys.executable, "-c", FAKE, str(output), how),
        json.dumps(
            {
                "better": fake_verdict(is_better=True),
                "worse": fake_verdict(is_better=False),
            }
        ),
    ]
