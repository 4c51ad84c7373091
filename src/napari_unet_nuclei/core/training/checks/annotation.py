"""Problems of what labels say is not annotated.

A shift by one, or a signed type that was too small, turns background into -1, which
would be taken for not annotated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_unet_nuclei.core.instances.labels import IGNORED
from napari_unet_nuclei.core.training.checks.problems import InputProblem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_LEAST_BACKGROUND = 0.3  # of what surrounds nuclei; a shift makes one of these 0


def check_annotation(name: str, labels: NDArray[np.integer]) -> Iterator[InputProblem]:
    """Yield a problem where -1 stands for what it does not mean.

    Parameters
    ----------
    name : str
        Name of the pair.
    labels : (Y, X) ndarray of int
        0 is background, -1 is ignored.

    Yields
    ------
    InputProblem
        Where nuclei are -1, or -1 surrounds them as background should.
    """
    nuclei, ignored = labels > 0, labels == IGNORED
    if not ignored.any():
        return
    if not nuclei.any():
        if (labels == 0).any():
            yield InputProblem(
                kind=ProblemKind.NOTHING_BUT_IGNORED,
                pair=name,
                sentence=f"No nucleus is labelled, and {np.count_nonzero(ignored):,} "
                "pixels are -1, which means not annotated.",
                advice="If these are the nuclei of a mask, save it with the value 1.",
                is_warning=True,
            )
        return
    around = ndimage.binary_dilation(nuclei) & ~nuclei
    n_around = np.count_nonzero(around)
    if np.count_nonzero(around & ~ignored) < _LEAST_BACKGROUND * n_around:
        yield InputProblem(
            kind=ProblemKind.NO_BACKGROUND,
            pair=name,
            sentence="Around nuclei is -1, which means not annotated, and hardly any "
            "background (0).",
            advice="If the labels were shifted by one, add 1 to them; if nuclei alone "
            "were painted, save 0 for all that is none.",
        )
