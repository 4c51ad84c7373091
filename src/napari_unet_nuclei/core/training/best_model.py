"""The best weights of a training run so far, and the model file that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.models.bundle import (
    ModelBundle,
    check_suffix,
    write_bundle,
)
from napari_unet_nuclei.core.networks.exporting import add_openvino
from napari_unet_nuclei.core.settings.choices import Monitor
from napari_unet_nuclei.core.training.steps import is_better
from napari_unet_nuclei.core.writing.atomic_files import remove_file

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.evaluation.scores import Scores
    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.models.weights import Weights


class BestModel:
    """A model that gets better.

    Parameters
    ----------
    output : Path
        File to write.
    config : ModelConfig
        Everything but the weights; may be replaced while there is no final one.
    weights : dict of str to ndarray of float32
        Weights at the beginning of the run.
    monitor : Monitor
        Score that says what is better.

    Attributes
    ----------
    scores : Scores, optional
        Those of the best weights; ``None`` before the first validation.
    is_written : bool
        Whether this run has written the file.

    Raises
    ------
    OutputError
        If the file cannot be a model.
    """

    def __init__(
        self,
        output: Path,
        config: ModelConfig,
        weights: Weights,
        monitor: Monitor = Monitor.DSB2018,
    ) -> None:
        check_suffix(output)
        self.config = config
        self.weights = weights
        self.scores: Scores | None = None
        self.is_written = False
        self._output = output
        self._monitor = monitor

    def consider(self, weights: Weights, scores: Scores) -> bool:
        """Keep and write weights if they are better than all before.

        Parameters
        ----------
        weights : dict of str to ndarray of float32
            Weights by path; not to be changed afterwards.
        scores : Scores
            Their scores on the held-out samples.

        Returns
        -------
        bool
            Whether they are the best so far.
        """
        best = self.scores
        if best is not None and not is_better(scores, best, self._monitor):
            return False
        self.weights, self.scores = weights, scores
        self._write(self._bundle())
        return True

    def begin(self, weights: Weights, scores: Scores) -> bool:
        """Take weights for the ones to beat, without writing them.

        Parameters
        ----------
        weights : dict of str to ndarray of float32
            Weights by path; not to be changed afterwards.
        scores : Scores
            Their scores on the held-out samples.

        Returns
        -------
        bool
            True: they are the best so far.
        """
        self.weights, self.scores = weights, scores
        return True

    def complete(self) -> str | None:
        """Write the model with its OpenVINO form.

        Returns
        -------
        str, optional
            Why it has none: it is a model all the same, but slower.
        """
        bundle, warning = self._bundle(), None
        try:
            bundle = add_openvino(bundle)
        except EngineError as error:
            warning = str(error)
        self._write(bundle)
        return warning

    def remove(self) -> None:
        """Remove the file, if this run has written it.

        Raises
        ------
        OutputError
            If it cannot be removed.
        """
        if self.is_written:
            remove_file(self._output)

    def _write(self, bundle: ModelBundle) -> None:
        write_bundle(self._output, bundle)
        self.is_written = True

    def _bundle(self) -> ModelBundle:
        return ModelBundle(
            name=self._output.stem, config=self.config, weights=self.weights
        )
