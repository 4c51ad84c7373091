"""Model bundles: one ``.unetnuclei`` file is all that segmentation loads.

A bundle is a zip of ``model.json`` (configuration, provenance and the sha256 of
every other file), ``weights.npz`` (Keras weights by name, kernels in half
precision) and, once training has ended, ``openvino.xml`` and ``openvino.bin``.
Loading executes nothing from the file: no pickles, no code.  Keras is not
imported here.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.errors import ModelError, OutputError
from napari_unet_nuclei.core.files.checksums import file_sha256
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.untrusted import (
    DECODING_ERRORS,
    check_zip,
    read_from_zip,
)
from napari_unet_nuclei.core.models.config import format_config, parse_config
from napari_unet_nuclei.core.models.network_limits import check_arguments
from napari_unet_nuclei.core.models.weights import (
    WEIGHTS_FILE,
    format_weights,
    parse_weights,
)
from napari_unet_nuclei.core.shown_text import with_texts
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.config import ModelConfig

SUFFIX = ".unetnuclei"

_FORMAT = 1
_CONFIG, _IR_XML, _IR_BIN = "model.json", "openvino.xml", "openvino.bin"


@dataclass(frozen=True, kw_only=True)
class BundleLimits:
    """How much is read of a file that anybody may have made.

    Parameters
    ----------
    max_bytes : int
        Size of the bundle, unpacked.
    max_config_bytes : int
        Size of its configuration.
    max_files : int
        Files in it; later formats may add some.
    """

    max_bytes: int = 1 << 30
    max_config_bytes: int = 1 << 24
    max_files: int = 64


USUAL_LIMITS = BundleLimits()
"""Far more than any model of this package needs."""


@dataclass(frozen=True, kw_only=True)
class ModelBundle:
    """A model in memory.

    Parameters
    ----------
    name : str
        What the model is called: the stem of its file.
    config : ModelConfig
        Everything but the weights.
    weights : mapping of str to ndarray
        Keras weights by path.
    openvino : tuple of bytes, optional
        OpenVINO IR, XML and weights; missing while training is under way.
    sha256 : str, optional
        Of the file that it was read from.
    """

    name: str
    config: ModelConfig
    weights: Mapping[str, NDArray[np.floating]]
    openvino: tuple[bytes, bytes] | None = None
    sha256: str | None = field(default=None, compare=False)

    @property
    def n_weights(self) -> int:
        """Number of weights, statistics of batch normalisation included."""
        return sum(values.size for values in self.weights.values())


def write_bundle(path: Path, bundle: ModelBundle) -> None:
    """Write a model, all of it or nothing.

    Parameters
    ----------
    path : Path
        File to write, suffix ``.unetnuclei``.
    bundle : ModelBundle
        Model to write; its name is not stored, the file's name is.

    Raises
    ------
    OutputError
        If the suffix is another one or the file cannot be written.
    """
    check_suffix(path)
    files = {WEIGHTS_FILE: format_weights(bundle.weights)}
    if bundle.openvino is not None:
        files[_IR_XML], files[_IR_BIN] = bundle.openvino
    config = {
        "format": _FORMAT,
        **format_config(bundle.config),
        "sha256": {name: _sha256(content) for name, content in files.items()},
    }
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_CONFIG, json.dumps(with_texts(config), indent=2))
        for name, content in files.items():
            archive.writestr(name, content)
    with replacing(path) as temporary:
        temporary.write_bytes(archived.getvalue())


def check_suffix(path: Path) -> None:
    """Refuse a path that no model can be written to.

    Raises
    ------
    OutputError
        If the suffix is not ``.unetnuclei``.
    """
    if path.suffix != SUFFIX:
        raise OutputError(
            f"Expected a model file that ends in {SUFFIX}. Received: {path}"
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_bundle(path: Path, *, limits: BundleLimits = USUAL_LIMITS) -> ModelBundle:
    """Read a model and check that it is whole.

    Parameters
    ----------
    path : Path
        A ``.unetnuclei`` file.
    limits : BundleLimits
        How much of it is read.

    Returns
    -------
    ModelBundle
        The model, named after the file.

    Raises
    ------
    ModelError
        If the file is missing, not a bundle, of a later format, or damaged.
    """
    config, files = _read_files(path, limits)
    try:
        weights = parse_weights(files[WEIGHTS_FILE], limits.max_bytes)
        parsed = parse_config(config)
        n_weights = sum(values.size for values in weights.values())
        check_arguments(parsed.arguments, n_weights)
        has_openvino = _IR_XML in files
        return ModelBundle(
            name=path.stem,
            config=parsed,
            weights=weights,
            openvino=(files[_IR_XML], files[_IR_BIN]) if has_openvino else None,
            sha256=file_sha256(path),
        )
    except DECODING_ERRORS as error:
        raise ModelError(
            f"The model {path} is not complete or not consistent ({error}); "
            "copy or train it again."
        ) from error


def _read_files(
    path: Path, limits: BundleLimits
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read the configuration and the other files, unchanged since they were written."""
    with (
        _one_sentence_errors(path),
        _open_bundle(path, limits) as (archive, config, checksums),
    ):
        checksums = dict(checksums)
        files = {
            name: read_from_zip(archive, name, limits.max_bytes)
            for name in (WEIGHTS_FILE, _IR_XML, _IR_BIN)
            if name in checksums
        }
    for name, content in files.items():
        if _sha256(content) != checksums[name]:
            raise ModelError(
                f"The model {path} is damaged: the checksum of {name} does not match; "
                "copy or train it again."
            )
    return config, files


def read_config(path: Path, *, limits: BundleLimits = USUAL_LIMITS) -> ModelConfig:
    """Read what a model is, without its weights and without checking these.

    Parameters
    ----------
    path, limits
        As in :func:`read_bundle`.

    Returns
    -------
    ModelConfig
        Architecture, diameter, splitting and so on.

    Raises
    ------
    ModelError
        As :func:`read_bundle` does.
    """
    with _one_sentence_errors(path), _open_bundle(path, limits) as (_, config, _):
        return parse_config(config)


class _LaterFormatError(ValueError):
    """A bundle is of a format that later versions of this package write."""


@contextmanager
def _one_sentence_errors(path: Path) -> Iterator[None]:
    """Say what is wrong with a file that is no model, or none of this version."""
    try:
        yield
    except FileNotFoundError as error:
        raise ModelError(
            f"There is no model at {path}; `napari-unet-nuclei info` lists the models."
        ) from error
    except _LaterFormatError as error:
        raise ModelError(
            f"The model {path} was written by a newer version of this package; "
            "update napari-unet-nuclei."
        ) from error
    except DECODING_ERRORS as error:
        raise ModelError(
            f"Expected a model made by this package. Received: {path}, which is not "
            f"one or is damaged ({error}); choose another file."
        ) from error


@contextmanager
def _open_bundle(
    path: Path, limits: BundleLimits
) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any], Any]]:
    """Open a bundle: its zip, its configuration, and the checksums beside that."""
    check_regular(path)
    with zipfile.ZipFile(path) as archive:
        check_zip(archive, max_bytes=limits.max_bytes, max_files=limits.max_files)
        config = json.loads(read_from_zip(archive, _CONFIG, limits.max_config_bytes))
        if config.pop("format") > _FORMAT:
            raise _LaterFormatError("it was written by a newer version of this package")
        yield archive, config, config.pop("sha256")
