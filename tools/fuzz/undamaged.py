"""Whole data sets, images, tables and models, small: what ``fuzz.py`` damages."""

from __future__ import annotations

import io
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from PIL import Image
from scipy import ndimage

from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.drawing.overlays import (
    OVERLAY_ENDING,
    draw_side_by_side,
    write_png,
)
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.core.files.rle import write_rle_csv
from napari_unet_nuclei.core.models.bundle import ModelBundle, read_bundle, write_bundle
from napari_unet_nuclei.core.models.config import ModelConfig
from napari_unet_nuclei.core.models.store import find_model
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = (64, 80)


@cache
def nuclei(data: Path | None) -> list[tuple[NDArray[Any], NDArray[np.int32]]]:
    """Return three small annotated images, of a data set or drawn."""
    if data is None:
        return [draw_nuclei(seed, SHAPE, 5) for seed in range(3)]
    source = open_samples(data)
    found = []
    for sample_id in source.sample_ids:
        sample = source.read_sample(sample_id)
        labels = sample.labels[: SHAPE[0], : SHAPE[1]]
        if labels.shape == SHAPE and 2 < len(np.unique(labels)) < 9:
            found.append((sample.image[: SHAPE[0], : SHAPE[1]], labels))
        if len(found) == 3:
            return found
    raise SystemExit(f"{data} has no three samples with few nuclei")


def encode(pixels: NDArray[Any], file_format: str = "PNG", **options: Any) -> bytes:
    """Return an image as the content of a file."""
    file = io.BytesIO()
    if file_format == "TIFF":
        tifffile.imwrite(file, pixels, **options)
    else:
        mode = options.pop("mode", None)
        image = Image.fromarray(pixels)
        (image.convert(mode) if mode else image).save(file, file_format, **options)
    return file.getvalue()


@cache
def data_set(data: Path | None) -> dict[str, bytes]:
    """Return a DSB2018 data set of three samples."""
    tree = {}
    for name, (image, labels) in zip("abc", nuclei(data), strict=True):
        tree[f"train/{name}/images/{name}.png"] = encode(image)
        for number in np.unique(labels)[1:]:
            mask = np.uint8(255) * (labels == number)
            tree[f"train/{name}/masks/{number}.png"] = encode(mask)
    return tree


@cache
def labelled(data: Path | None) -> dict[str, bytes]:
    """Return a folder of images and one of labels."""
    tree = {}
    for name, (image, labels) in zip("abc", nuclei(data), strict=True):
        tree[f"images/{name}.png"] = encode(image)
        tree[f"labels/{name}.tif"] = encode(labels.astype(np.uint16), "TIFF")
    return tree


@cache
def jpegs(data: Path | None) -> list[bytes]:
    """Return the same image in many kinds of JPEG."""
    colour = nuclei(data)[0][0]
    colour = np.dstack([colour] * 3) if colour.ndim == 2 else colour[..., :3]
    options: tuple[dict[str, Any], ...] = (
        *({}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}),
        *({"restart_marker_blocks": 3}, {"mode": "L"}, {"mode": "CMYK"}),
        {"mode": "L", "progressive": True},
    )
    return [encode(colour, "JPEG", **each) for each in options]


@cache
def soft_labels(data: Path | None) -> list[dict[str, bytes]]:
    """Return folders whose labels are smooth, coloured or coded in channels."""
    trees: list[dict[str, bytes]] = []
    for kind in ("smooth", "palette", "colours", "white"):
        tree = {}
        for name, (image, labels) in zip("abc", nuclei(data), strict=True):
            tree[f"images/{name}.png"] = encode(image)
            tree[f"labels/{name}.png"] = _soft(labels, kind)
        trees.append(tree)
    return trees


def _soft(labels: NDArray[np.int32], kind: str) -> bytes:
    if kind == "smooth":
        smooth = ndimage.gaussian_filter(255.0 * (labels > 0), 1)
        return encode(smooth.astype(np.uint8))
    if kind == "white":
        return encode(np.where(labels > 0, 0, 255).astype(np.uint8))
    colours = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    colours[0] = 255
    if kind == "colours":
        return encode(colours[labels % 256])
    picture = Image.fromarray((labels % 256).astype(np.uint8))
    picture.putpalette(colours.tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@cache
def own_outputs(data: Path | None) -> dict[str, bytes]:
    """Return what ``segment`` writes into one folder."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, (image, labels) in zip("abc", nuclei(data), strict=True):
            write_labels_tiff(folder / f"{name}.tif", labels)
            write_labels_png(folder / f"{name}.png", labels)
            write_dsb2018_sample(folder, name, image, labels)
            side_by_side = draw_side_by_side(image, labels)
            write_png(folder / f"{name}{OVERLAY_ENDING}.png", side_by_side)
        write_rle_csv(
            folder / "predictions.csv",
            {name: each[1] for name, each in zip("abc", nuclei(data), strict=True)},
        )
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


@cache
def images(kind: str, data: Path | None) -> list[bytes]:
    """Return the same image in many ways to store it."""
    colour = nuclei(data)[0][0]
    colour = np.dstack([colour] * 3) if colour.ndim == 2 else colour[..., :3]
    grey = np.ascontiguousarray(colour[..., 0])
    deep = grey * np.uint16(16)
    if kind == "png":
        modes = ("1", "L", "P", "LA", "RGB", "RGBA")
        frames = [Image.fromarray(grey)] * 2
        animation = encode(grey, save_all=True, append_images=frames)
        return [*(encode(colour, mode=mode) for mode in modes), encode(deep), animation]
    if kind == "other picture":
        jpegs = (encode(colour, "JPEG", progressive=each) for each in (False, True))
        bitmaps = (encode(colour, "BMP", mode=mode) for mode in ("1", "L", "P", "RGB"))
        cmyk = encode(colour, "JPEG", mode="CMYK")
        return [*jpegs, *bitmaps, cmyk, encode(grey, "GIF")]
    palette = np.tile(np.arange(256, dtype=np.uint16) * 256, (3, 1))
    stack = np.stack([grey] * 4)
    inks = np.dstack([colour, grey])
    return [
        *(
            encode(deep, "TIFF", compression=each, rowsperstrip=16)
            for each in (None, "zlib", "lzw", "packbits", "zstd", "lzma", "jpeg2000")
        ),
        encode(deep, "TIFF", compression="zlib", predictor=True, tile=(32, 32)),
        encode(colour, "TIFF", photometric="rgb", compression="jpeg"),
        encode(colour, "TIFF", photometric="rgb", metadata=None),
        encode(np.moveaxis(colour, -1, 0), "TIFF", photometric="rgb", planarconfig=2),
        encode(grey, "TIFF", photometric="palette", colormap=palette),
        encode(inks, "TIFF", photometric="separated"),
        encode(grey / np.float32(255), "TIFF"),
        encode(grey > 99, "TIFF"),
        encode(stack, "TIFF", photometric="minisblack"),
        encode(stack, "TIFF", photometric="minisblack", compression="zlib"),
        encode(stack, "TIFF", imagej=True, metadata={"axes": "ZYX"}),
        encode(stack, "TIFF", ome=True, metadata={"axes": "ZYX"}),
        encode(deep, "TIFF", bigtiff=True),
        encode(deep, "TIFF", byteorder=">"),
    ]


@cache
def table(data: Path | None) -> bytes:
    """Return the nuclei as run lengths."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        write_rle_csv(path, {str(n): each[1] for n, each in enumerate(nuclei(data))})
        lines = path.read_text().splitlines()
    sizes = [",Height,Width", *[f",{SHAPE[0]},{SHAPE[1]}"] * (len(lines) - 1)]
    return "\n".join(map("".join, zip(lines, sizes, strict=True))).encode()


@cache
def model() -> bytes:
    """Return a small model, as training writes it."""
    config = ModelConfig(
        architecture=Architecture.CLASSIC,
        arguments={"widths": [4, 8]},
        stride=4,
        margin=22,
        diameter=14.5,
        provenance={"seed": 3, "scores": {"dsb2018": 0.5}, "train": ["a", "b"]},
    )
    weights = {
        "conv/kernel": np.ones((3, 3, 3, 4), np.float32),
        "conv/bias": np.ones(4),
    }
    openvino = (b"<net/>", bytes(range(256)))
    bundle = ModelBundle(name="a", config=config, weights=weights, openvino=openvino)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.unetnuclei"
        write_bundle(path, bundle)
        return path.read_bytes()


@cache
def shipped() -> ModelBundle:
    """Return a model with a graph that OpenVINO can compile."""
    return read_bundle(find_model("classic"))


@cache
def bomb() -> bytes:
    """Return a zip of 400 kB whose one file unpacks to 400 MB."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("train/a/images/a.png", "w") as unpacked,
    ):
        for _ in range(400):
            unpacked.write(bytes(1_000_000))
    return buffer.getvalue()
