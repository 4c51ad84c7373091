"""A model becomes a package that the tools of the BioImage Model Zoo run.

The format: https://bioimage-io.github.io/spec-bioimage-io/ (Ouyang et al. 2022,
doi:10.1101/2022.06.07.495102).
"""

from __future__ import annotations

import json
import zipfile
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import yaml
from PIL import Image

from napari_unet_nuclei.core.conversion.model_zoo.describing import (
    HOMEPAGE,
    Credits,
    PackageFiles,
    describe_model,
    describe_package,
)
from napari_unet_nuclei.core.conversion.model_zoo.example import Example, draw_example
from napari_unet_nuclei.core.conversion.model_zoo.page import write_page
from napari_unet_nuclei.core.drawing.overlays import draw_outlines, stretch
from napari_unet_nuclei.core.errors import ModelError, OutputError
from napari_unet_nuclei.core.instances.maps import Maps
from napari_unet_nuclei.core.instances.splitting import split_instances
from napari_unet_nuclei.core.models.config import format_config
from napari_unet_nuclei.core.shown_text import with_texts
from napari_unet_nuclei.core.writing.atomic_files import replacing, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet_nuclei.core.models.bundle import ModelBundle

PACKAGE_SUFFIX = ".zip"
DESCRIPTION = "rdf.yaml"
CONFIGURATION = "model.json"
"""The configuration of the model, beside its weights."""

KERAS_FILE = "weights.keras"

_ONNX_FILE = "weights.onnx"


def export_package(
    bundle: ModelBundle,
    path: Path,
    made_by: Credits | None = None,
    *,
    onnx: bool = True,
) -> None:
    """Write a model as a package of the BioImage Model Zoo, format 0.5.

    Parameters
    ----------
    bundle : ModelBundle
        Any model.
    path : Path
        File to write, suffix ``.zip``.
    made_by : Credits, optional
        Who made it; by default the developers of this package.
    onnx : bool
        Write the network as ONNX, too, for tools that do not run Keras.

    Raises
    ------
    OutputError
        If the file cannot be written.
    ModelError
        If a library for ONNX is missing, or the network cannot be converted.
    """
    if path.suffix != PACKAGE_SUFFIX:
        raise OutputError(
            f"Expected a package that ends in {PACKAGE_SUFFIX}. Received: {path}"
        )
    if onnx and find_spec("tf2onnx") is None:
        raise ModelError(
            "Writing ONNX needs tf2onnx. Install it with "
            '`pip install "napari-unet-nuclei[bioimageio]"`, '
            "or export without, with --no-onnx."
        )
    with scratch_folder() as folder, replacing(path) as temporary:
        files, plain = _write_files(bundle, folder, onnx=onnx)
        described = describe_package(
            bundle.name, plain.config, made_by or Credits(), files
        )
        (folder / DESCRIPTION).write_text(
            yaml.safe_dump(described, sort_keys=False, allow_unicode=True),
            encoding="utf-8",
        )
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)


def _write_files(
    bundle: ModelBundle, folder: Path, *, onnx: bool
) -> tuple[PackageFiles, ModelBundle]:
    """Write everything but the description; return the model as it is stored, too."""
    from napari_unet_nuclei.core.networks.separate_maps import (
        compute_maps,
        split_maps,
        write_onnx,
    )

    network, plain = split_maps(bundle)
    example = draw_example(plain.config)
    maps = compute_maps(network, example.normalised)
    network.save(folder / KERAS_FILE)
    if onnx:
        write_onnx(network, folder / _ONNX_FILE)
    page = write_page(plain, describe_model(plain.config), HOMEPAGE)
    (folder / "README.md").write_text(page, encoding="utf-8")
    config = json.dumps(with_texts(format_config(plain.config)), indent=2)
    (folder / CONFIGURATION).write_text(config, encoding="utf-8")
    np.save(folder / "test_input.npy", example.image)
    test_outputs = [folder / f"test_{name}.npy" for name in plain.config.maps]
    for output, array in zip(test_outputs, maps, strict=True):
        np.save(output, array)
    _draw_cover(example, maps, plain, folder / "cover.png")
    files = PackageFiles(
        keras=folder / KERAS_FILE,
        onnx=folder / _ONNX_FILE if onnx else None,
        page=folder / "README.md",
        cover=folder / "cover.png",
        test_input=folder / "test_input.npy",
        test_outputs=test_outputs,
        attachments=[folder / CONFIGURATION],
    )
    return files, plain


def _draw_cover(
    example: Example,
    maps: Sequence[NDArray[np.float32]],
    bundle: ModelBundle,
    path: Path,
) -> None:
    """Draw the example beside what was found in it, twice as wide as high."""
    image = example.image[0].astype(np.uint8)
    planes = (np.ascontiguousarray(each[0, ..., 0]) for each in maps)
    named = dict(zip(bundle.config.maps, planes, strict=True))
    stacked = Maps(named["foreground"], named.get("boundary"), named.get("distance"))
    labels = split_instances(stacked, bundle.config.splitting)
    both = np.concatenate([stretch(image), draw_outlines(image, labels)], axis=1)
    Image.fromarray(both).save(path)
