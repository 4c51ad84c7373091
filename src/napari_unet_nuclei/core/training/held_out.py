"""The validation samples of a training run, and the pictures of the last validation.

How samples are held out, predicted and scored is in
:mod:`~napari_unet_nuclei.core.training.validation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.training.validation import (
    predict_samples,
    score_maps,
    tune_splitting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.datasets.sample import Sample
    from napari_unet_nuclei.core.engines.engine import Engine
    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.instances.maps import SplittingParameters
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.settings.choices import Monitor
    from napari_unet_nuclei.core.training.pictures import ShownSamples


class HeldOutSamples:
    """Samples that are never trained on.

    Parameters
    ----------
    samples : sequence of Sample
        The samples.
    shown : ShownSamples, optional
        Those to draw whenever they are scored.

    Attributes
    ----------
    pictures : dict of str to (Y, X, 3) ndarray of uint8
        What was drawn last, by sample id.
    """

    def __init__(
        self, samples: Sequence[Sample], shown: ShownSamples | None = None
    ) -> None:
        self._samples = samples
        self._shown = shown
        self.pictures: dict[str, NDArray[np.uint8]] = {}

    def score(self, engine: Engine, config: ModelConfig) -> Scores:
        """Compare the nuclei that a network finds with the true ones.

        Parameters
        ----------
        engine : Engine
            Runtime that holds the network.
        config : ModelConfig
            Its geometry and thresholds.

        Returns
        -------
        Scores
            Scores over all samples.
        """
        maps = predict_samples(engine, config, self._samples)
        if self._shown is not None:
            self.pictures = self._shown.draw(maps, config.splitting)
        return score_maps(maps, self._samples, config.splitting)

    def tune(
        self, engine: Engine, config: ModelConfig, monitor: Monitor
    ) -> tuple[SplittingParameters, Scores]:
        """Find the thresholds that suit a network best, by one of its scores.

        Parameters
        ----------
        engine, config
            As in :meth:`score`.
        monitor : Monitor
            Score that says what is better.

        Returns
        -------
        parameters : SplittingParameters
            The best thresholds.
        scores : Scores
            What they reach.
        """
        maps = predict_samples(engine, config, self._samples)
        return tune_splitting(maps, self._samples, config.splitting, monitor)
