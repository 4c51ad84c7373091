"""The model file that a training run writes, whole from its first weights on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import EngineError
from napari_unet_nuclei.core.models.bundle import (
    ModelBundle,
    check_suffix,
    write_bundle,
)
from napari_unet_nuclei.core.networks.exporting import (
    add_openvino,
    add_openvino_at_once,
)
from napari_unet_nuclei.core.writing.atomic_files import remove_file

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet_nuclei.core.models.config import ModelConfig
    from napari_unet_nuclei.core.models.weights import Weights

    OpenVinoForm = tuple[bytes, bytes]


class ModelFile:
    """A model file, written anew whenever there are better weights.

    Parameters
    ----------
    output : Path
        Where it is.

    Raises
    ------
    OutputError
        If the file cannot be a model.
    """

    def __init__(self, output: Path) -> None:
        check_suffix(output)
        self._output = output
        self._written: ModelBundle | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._output.stem

    @property
    def is_written(self) -> bool:
        """Whether this run has written the file."""
        return self._written is not None

    def write(
        self,
        config: ModelConfig,
        weights: Weights,
        openvino: OpenVinoForm | None = None,
    ) -> None:
        """Write a model, with its OpenVINO form where that takes no time.

        Parameters
        ----------
        config : ModelConfig
            Everything but the weights.
        weights : dict of str to ndarray of float32
            Weights by path; not to be changed afterwards.
        openvino : tuple of bytes, optional
            Their OpenVINO form, where it is known.
        """
        bundle = replace(self._bundle(config, weights), openvino=openvino)
        self._write(bundle if openvino else add_openvino_at_once(bundle))

    def complete(self, config: ModelConfig, weights: Weights) -> str | None:
        """Write the model with its OpenVINO form, unless it is there already.

        Parameters
        ----------
        config, weights
            As in :meth:`write`.

        Returns
        -------
        str, optional
            Why it has none: it is a model all the same, but slower.
        """
        bundle, written = self._bundle(config, weights), self._written
        if written is not None and written.weights is weights:
            bundle = replace(bundle, openvino=written.openvino)
            if bundle.openvino and written.config == config:
                return None
        warning = None
        try:
            bundle = bundle if bundle.openvino else add_openvino(bundle)
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
        self._written = bundle

    def _bundle(self, config: ModelConfig, weights: Weights) -> ModelBundle:
        return ModelBundle(name=self.name, config=config, weights=weights)
