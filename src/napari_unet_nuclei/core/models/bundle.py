"""Model bundles: one ``.unetnuclei`` file is all that segmentation loads.

A bundle is a zip of ``model.json`` (configuration, provenance and the sha256 of
every other member), ``weights.npz`` (Keras weights by name, kernels in half
precision) and, once training has ended, ``openvino.xml`` and ``openvino.bin``.
Loading executes nothing from the file: no pickles, no code.  Keras is not
imported here.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet_nuclei.core.errors import ModelError, OutputError, SettingsError
from napari_unet_nuclei.core.files.archives import check_members, read_member
from napari_unet_nuclei.core.files.regular_files import check_regular
from napari_unet_nuclei.core.files.untrusted import DECODING_ERRORS
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.network_limits import check_arguments
from napari_unet_nuclei.core.settings.choices import Architecture
from napari_unet_nuclei.core.shown_text import with_texts
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIX = ".unetnuclei"
MAPS = ("foreground", "boundary", "distance")
ONE_MAP = MAPS[:1]

Weights = dict[str, NDArray[np.floating]]
"""Weights of a network by path, such as ``"encoder0_0_conv/kernel"``."""

_FORMAT = 1
_CONFIG, _WEIGHTS, _IR_XML, _IR_BIN = (
    "model.json",
    "weights.npz",
    "openvino.xml",
    "openvino.bin",
)
_MAX_BYTES = 1 << 30  # of a bundle, packed or not
_MAX_CONFIG_BYTES = 1 << 24
_MAX_FILES = 64  # later formats may add some
_MAX_WEIGHTS = 50_000  # arrays
_MAX_DIAMETER = 10_000  # px


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything about a model that is not a weight.

    Parameters
    ----------
    architecture : Architecture
        Network family.
    arguments : mapping
        Keyword arguments of its builder.
    maps : tuple of str
        Output maps, in order: all of them, or the foreground alone.
    multiple, margin : int, in px
        Stride and receptive radius of the network.
    splitting : SplittingParameters
        Thresholds found on the validation images.
    diameter : float, in px
        Typical (median) diameter of the nuclei trained on.
    estimated_diameter : float, in px, optional
        What :mod:`~napari_unet_nuclei.core.instances.diameter` says of the same nuclei,
        to compare its estimates with; they differ where nuclei are anything but
        round or of one size.
    n_symmetries : int
        Ways to look at an image that the network has learned, 1, 2 or 8: as it is,
        mirrored left to right too, or all flips and quarter turns.
    provenance : mapping
        Data, seed, versions, scores: whatever tells where the model comes from.
    """

    architecture: Architecture
    arguments: Mapping[str, Any] = field(default_factory=dict)
    maps: tuple[str, ...] = MAPS
    multiple: int
    margin: int
    splitting: SplittingParameters = field(default_factory=SplittingParameters)
    diameter: float
    estimated_diameter: float | None = None
    n_symmetries: int = 8
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.maps not in (MAPS, ONE_MAP):
            raise SettingsError(
                f"The maps must be {', '.join(MAPS)}, or {ONE_MAP[0]} alone. "
                f"Received: {self.maps}"
            )
        # 8.0 and true equal integers, but slice nothing.
        if type(self.n_symmetries) is not int or self.n_symmetries not in (1, 2, 8):
            raise SettingsError(
                "The number of symmetries must be 1, 2 or 8. "
                f"Received: {self.n_symmetries!r}"
            )
        for name, lowest, highest in (("multiple", 1, 1024), ("margin", 0, 65536)):
            value = getattr(self, name)
            if type(value) is not int or not lowest <= value <= highest:
                raise SettingsError(
                    f"The {name} must lie between {lowest} and {highest} px. "
                    f"Received: {value!r}"
                )
        for name in ("diameter", "estimated_diameter"):
            value = getattr(self, name)
            if value is not None and not _is_length(value):
                raise SettingsError(
                    f"The {name.replace('_', ' ')} must be a positive number of px, "
                    f"at most {_MAX_DIAMETER:,}. Received: {value}"
                )


def _is_length(value: object) -> bool:
    """Whether a value is a length in px, and no flag or text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value <= _MAX_DIAMETER  # type: ignore[operator]


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
    """

    name: str
    config: ModelConfig
    weights: Mapping[str, NDArray[np.floating]]
    openvino: tuple[bytes, bytes] | None = None

    @property
    def n_weights(self) -> int:
        """Number of weights, statistics of batch normalisation included."""
        return sum(values.size for values in self.weights.values())


def to_half_precision(
    weights: Mapping[str, NDArray[np.floating]],
) -> dict[str, NDArray[np.floating]]:
    """Round kernels to half precision, the form in which bundles hold them.

    Parameters
    ----------
    weights : mapping of str to ndarray of float32
        Weights by path.

    Returns
    -------
    dict of str to ndarray
        Kernels as float16; biases and statistics, which are few and may be
        tiny, as float32.
    """
    return {
        path: value.astype(np.float16 if value.ndim > 1 else np.float32)
        for path, value in weights.items()
    }


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
    buffer = io.BytesIO()
    weights: Mapping[str, Any] = to_half_precision(bundle.weights)
    np.savez_compressed(buffer, **weights)
    members = {_WEIGHTS: buffer.getvalue()}
    if bundle.openvino is not None:
        members[_IR_XML], members[_IR_BIN] = bundle.openvino
    config = {
        "format": _FORMAT,
        **asdict(bundle.config),
        "sha256": {name: _sha256(content) for name, content in members.items()},
    }
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_CONFIG, json.dumps(with_texts(config), indent=2))
        for name, content in members.items():
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


def read_bundle(path: Path) -> ModelBundle:
    """Read a model and check that it is whole.

    Parameters
    ----------
    path : Path
        A ``.unetnuclei`` file.

    Returns
    -------
    ModelBundle
        The model, named after the file.

    Raises
    ------
    ModelError
        If the file is missing, not a bundle, of a later format, or damaged.
    """
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            check_members(archive, max_bytes=_MAX_BYTES, max_members=_MAX_FILES)
            config = json.loads(read_member(archive, _CONFIG, _MAX_CONFIG_BYTES))
            is_newer = config.pop("format") > _FORMAT
            sums = {} if is_newer else dict(config.pop("sha256"))
            members = {
                name: read_member(archive, name, _MAX_BYTES)
                for name in (_WEIGHTS, _IR_XML, _IR_BIN)
                if name in sums
            }
    except FileNotFoundError as error:
        raise ModelError(
            f"There is no model at {path}; `napari-unet-nuclei info` lists the models."
        ) from error
    except DECODING_ERRORS as error:
        raise ModelError(
            f"Expected a model made by this package. Received: {path}, which is not "
            f"one or is damaged ({error}); choose another file."
        ) from error
    if is_newer:
        raise ModelError(
            f"The model {path} was written by a newer version of this package; "
            "update napari-unet-nuclei."
        )
    for name, content in members.items():
        if _sha256(content) != sums[name]:
            raise ModelError(
                f"The model {path} is damaged: the checksum of {name} does not match; "
                "copy or train it again."
            )
    try:
        weights = _parse_weights(members[_WEIGHTS])
        parsed = _parse_config(config)
        check_arguments(
            parsed.arguments, sum(values.size for values in weights.values())
        )
        return ModelBundle(
            name=path.stem,
            config=parsed,
            weights=weights,
            openvino=(
                (members[_IR_XML], members[_IR_BIN]) if _IR_XML in members else None
            ),
        )
    except DECODING_ERRORS as error:
        raise ModelError(
            f"The model {path} is not complete or not consistent ({error}); "
            "copy or train it again."
        ) from error


def read_config(path: Path) -> ModelConfig:
    """Read what a model is, without its weights and without checking these.

    Parameters
    ----------
    path : Path
        A ``.unetnuclei`` file.

    Returns
    -------
    ModelConfig
        Architecture, diameter, splitting and so on.

    Raises
    ------
    ModelError
        If the file is missing, not a bundle, of a later format, or damaged.
    """
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            check_members(archive, max_bytes=_MAX_BYTES, max_members=_MAX_FILES)
            config = json.loads(read_member(archive, _CONFIG, _MAX_CONFIG_BYTES))
        if config.pop("format") > _FORMAT:
            raise ValueError("it was written by a newer version of this package")
        config.pop("sha256")
        return _parse_config(config)
    except (*DECODING_ERRORS, FileNotFoundError) as error:
        raise ModelError(
            f"Expected a model made by this package. Received: {path}, which cannot "
            f"be read ({error}); choose another file."
        ) from error


def _parse_weights(content: bytes) -> dict[str, NDArray[np.floating]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        check_members(archive, max_bytes=_MAX_BYTES, max_members=_MAX_WEIGHTS)
        return {
            name.removesuffix(".npy"): _parse_array(
                read_member(archive, name, _MAX_BYTES)
            )
            for name in archive.namelist()
        }


def _parse_array(content: bytes) -> NDArray[np.floating]:
    """Read an array of real numbers, no larger than what there is of it."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(file)
    if dtype.kind != "f":
        raise ValueError(f"{_WEIGHTS} does not hold real numbers only")
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError(f"{_WEIGHTS} holds arrays of another size than they say")
    file.seek(0)
    values: NDArray[np.floating] = np.lib.format.read_array(file, allow_pickle=False)
    return values


def _parse_config(config: dict[str, Any]) -> ModelConfig:
    for name in ("arguments", "provenance"):
        if not isinstance(config[name], dict):
            raise ValueError(f"{name} must be an object")
    return ModelConfig(
        **{
            **config,
            "architecture": Architecture(config["architecture"]),
            "maps": tuple(config["maps"]),
            "splitting": SplittingParameters(**config["splitting"]),
        }
    )
