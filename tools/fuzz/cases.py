"""Cases by number: which kind of file or folder is damaged, and how."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from byte_mutations import mutate_bytes, pick
from folder_mutations import (
    make_special,
    mutate_tree,
    put_specials,
    rename_oddly,
    write_folder,
    write_zip,
)
from image_mutations import mutate_jpeg, mutate_png, mutate_tiff
from model_mutations import mutate_bundle, mutate_csv, mutate_graph
from overwriting import make_run
from undamaged import (
    bomb,
    data_set,
    images,
    jpegs,
    labelled,
    model,
    own_outputs,
    shipped,
    soft_labels,
    table,
)

from napari_unet_nuclei.core.models.bundle import write_bundle

if TYPE_CHECKING:
    from pathlib import Path


# A new family is a name here, a case in make_case and, if need be, in read_case.
KINDS = (
    *("folder", "zip", "png", "tiff", "csv", "bundle", "labels", "other picture"),
    *("jpeg", "names", "devices", "soft labels", "own outputs", "batches", "graphs"),
)
COMPUTED = "case-of-a-graph"  # a model whose network is evaluated, too


def make_case(number: int, seed: int, data: Path | None, folder: Path) -> Path:
    """Write a damaged file or folder; the same for the same number and seed."""
    rng = np.random.default_rng([seed, number])
    kind = KINDS[number % len(KINDS)]
    match kind:
        case "folder":
            return write_folder(mutate_tree(data_set(data), rng), folder / "case", rng)
        case "labels":
            return write_folder(mutate_tree(labelled(data), rng), folder / "case", rng)
        case "zip":
            path = folder / "case.zip"
            if not rng.integers(50):
                path.write_bytes(mutate_bytes(bomb(), rng))
                return path
            return write_zip(mutate_tree(data_set(data), rng), path, rng)
        case "csv":
            path = folder / "case.csv"
            path.write_bytes(mutate_csv(table(data), rng))
            return path
        case "bundle":
            path = folder / "case.unetnuclei"
            path.write_bytes(mutate_bundle(model(), rng))
            return path
        case "jpeg":
            path = folder / f"case.{pick(rng, ('jpg', 'jpeg', 'png', 'tif'))}"
            path.write_bytes(mutate_jpeg(pick(rng, jpegs(data)), rng))
            return path
        case "names":
            tree = pick(rng, (data_set, labelled, own_outputs))(data)
            return write_folder(rename_oddly(tree, rng), folder / "case", rng)
        case "devices":
            return make_devices(data, folder, rng)
        case "soft labels":
            tree = pick(rng, soft_labels(data))
            tree = mutate_tree(tree, rng) if rng.integers(2) else tree
            return write_folder(tree, folder / "case", rng)
        case "own outputs":
            tree = own_outputs(data)
            tree = mutate_tree(tree, rng) if rng.integers(2) else tree
            return write_folder(tree, folder / "case", rng)
        case "batches":
            return make_run((data_set(data), labelled(data)), folder, rng)
        case "graphs":
            path = folder / f"{COMPUTED}.unetnuclei"
            bundle = shipped()
            assert bundle.openvino is not None  # noqa: S101 - as every shipped model
            graph = mutate_graph(*bundle.openvino, rng)
            write_bundle(path, replace(bundle, openvino=graph))
            return path
    content = pick(rng, images(kind, data))
    knowing = {"png": mutate_png, "tiff": mutate_tiff}.get(kind, mutate_bytes)
    content = (knowing if rng.integers(2) else mutate_bytes)(content, rng)
    suffixes = {"png": ("png",), "tiff": ("tif", "tiff")}.get(kind, ("jpg", "bmp"))
    suffix = pick(rng, suffixes * 4 + ("png", "tif", "jpg", "bmp"))
    path = folder / f"case.{suffix}"
    path.write_bytes(content)
    return path


def make_devices(data: Path | None, folder: Path, rng: np.random.Generator) -> Path:
    """Put pipes and devices in place of files, alone or in a data set."""
    if rng.integers(2):
        suffixes = ("zip", "png", "tif", "jpg", "csv", "unetnuclei")
        path = folder / f"case.{pick(rng, suffixes)}"
        make_special(path, rng)
        return path
    tree = pick(rng, (data_set, labelled, own_outputs))(data)
    path = write_folder(tree, folder / "case", rng)
    put_specials(path, rng)
    return path
