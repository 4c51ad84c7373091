"""What a package says of a model, in the words of the Model Zoo's format 0.5.

The description is written here instead of by ``bioimageio.spec``, whose releases break
with those of pydantic, so that an export needs nothing but this package.  Tests let
``bioimageio.core`` check what is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from napari_unet_nuclei.core.conversion.model_zoo.example import EPSILON, min_side
from napari_unet_nuclei.core.files.checksums import file_sha256
from napari_unet_nuclei.core.images.intensity import LIMIT_PERCENTILES
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_unet_nuclei.core.models.config import ModelConfig

IMAGE = "image"
"""Name of the input."""

HOMEPAGE = "https://github.com/napari-unet-nuclei/napari-unet-nuclei"

_FORMAT = "0.5.12"
_UNET = (
    "Ronneberger, Fischer, Brox: U-Net, MICCAI 2015",
    "10.1007/978-3-319-24574-4_28",
)
_RESNET = (
    "He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016",
    "10.1109/CVPR.2016.90",
)
_RESIDUAL = (Architecture.RESNET, Architecture.RESNET50)


@dataclass(frozen=True, kw_only=True)
class Credits:
    """Who made a model, and what others may do with it.

    Parameters
    ----------
    authors : tuple of str
        Their names, one at least.
    licence : str
        SPDX identifier, such as ``"BSD-3-Clause"`` or ``"CC-BY-4.0"``.
    """

    authors: tuple[str, ...] = ("The napari-unet-nuclei developers",)
    licence: str = "BSD-3-Clause"


@dataclass(frozen=True, kw_only=True)
class PackageFiles:
    """The files that a description names.

    Parameters
    ----------
    keras, page, cover, test_input : Path
        Weights, documentation, picture, and the example.
    test_outputs : sequence of Path
        What the network makes of the example, a file for each map.
    attachments : sequence of Path
        Further files.
    onnx : Path, optional
        The weights once more.
    """

    keras: Path
    page: Path
    cover: Path
    test_input: Path
    test_outputs: Sequence[Path]
    attachments: Sequence[Path]
    onnx: Path | None = None


def describe_model(config: ModelConfig) -> str:
    """Say in a sentence what a model does."""
    kind = "residual U-Net" if config.architecture in _RESIDUAL else "U-Net"
    return (
        f"A {kind} for cell nuclei in fluorescence and stained tissue, "
        f"about {config.diameter:g} px across."
    )


def describe_package(
    name: str, config: ModelConfig, made_by: Credits, files: PackageFiles
) -> dict[str, Any]:
    """Describe a package.

    Parameters
    ----------
    name : str
        What the model is called.
    config : ModelConfig
        Its configuration.
    made_by : Credits
        Who made it.
    files : PackageFiles
        All files of the package.

    Returns
    -------
    dict
        What its ``rdf.yaml`` holds, in plain values.
    """
    return {
        "format_version": _FORMAT,
        "type": "model",
        "name": name,
        "description": describe_model(config),
        "documentation": _file(files.page),
        "covers": [_file(files.cover)],
        "authors": [{"name": each} for each in made_by.authors],
        "license": made_by.licence,
        "cite": _cite(config),
        "tags": ["nuclei", "instance-segmentation", "unet", "2d", "napari", "keras"],
        "git_repo": HOMEPAGE,
        "attachments": [_file(each) for each in files.attachments],
        "inputs": [_describe_input(config, files.test_input)],
        "outputs": [
            _describe_output(each, config, path)
            for each, path in zip(config.maps, files.test_outputs, strict=True)
        ],
        "weights": _describe_weights(files),
    }


def _file(path: Path) -> dict[str, str]:
    return {"source": path.name, "sha256": file_sha256(path)}


def _cite(config: ModelConfig) -> list[dict[str, str]]:
    papers = [_UNET, *([_RESNET] if config.architecture in _RESIDUAL else [])]
    return [{"text": text, "doi": doi} for text, doi in papers]


def _describe_weights(files: PackageFiles) -> dict[str, Any]:
    import keras

    from napari_unet_nuclei.core.networks.separate_maps import ONNX_OPSET

    backend = keras.backend.backend()
    weights: dict[str, Any] = {
        "keras_v3": {
            **_file(files.keras),
            "keras_version": keras.__version__,
            "backend": [backend, version(backend)],
        }
    }
    if files.onnx is not None:
        weights["onnx"] = {
            **_file(files.onnx),
            "parent": "keras_v3",
            "opset_version": ONNX_OPSET,
        }
    return weights


def _describe_input(config: ModelConfig, test_tensor: Path) -> dict[str, Any]:
    low, high = LIMIT_PERCENTILES
    size = {"min": min_side(config), "step": config.stride}
    stretch = {
        "axes": ["y", "x", "channel"],
        "min_percentile": low,
        "max_percentile": high,
        "eps": EPSILON,
    }
    return {
        "id": IMAGE,
        "description": "Grey (three times) or RGB, in any range of intensities.",
        "axes": [
            {"type": "batch"},
            *(
                {"type": "space", "id": axis, "size": size.copy(), "concatenable": True}
                for axis in ("y", "x")
            ),
            {"type": "channel", "channel_names": ["r", "g", "b"]},
        ],
        "test_tensor": _file(test_tensor),
        "data": {"type": "float32"},
        "preprocessing": [
            {"id": "scale_range", "kwargs": stretch},
            {"id": "clip", "kwargs": {"min": 0.0, "max": 1.0}},
        ],
    }


def _describe_output(
    name: str, config: ModelConfig, test_tensor: Path
) -> dict[str, Any]:
    halo = {"halo": config.margin} if config.margin else {}
    return {
        "id": name,
        "axes": [
            {"type": "batch"},
            *(
                {
                    "type": "space",
                    "id": axis,
                    "size": {"tensor_id": IMAGE, "axis_id": axis},
                    **halo,
                }
                for axis in ("y", "x")
            ),
            {"type": "channel", "channel_names": [name]},
        ],
        "test_tensor": _file(test_tensor),
        "data": {"type": "float32", "range": [0.0, 1.0]},
    }
