"""The forms that the nuclei of one image are written in: a function for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_unet_nuclei.core.batch.tables import make_table
from napari_unet_nuclei.core.datasets.dsb2018_writing import write_dsb2018_sample
from napari_unet_nuclei.core.drawing.overlays import draw_side_by_side, write_png
from napari_unet_nuclei.core.files.geojson import write_geojson
from napari_unet_nuclei.core.files.imagej_rois import write_rois
from napari_unet_nuclei.core.files.labels import write_labels_png, write_labels_tiff
from napari_unet_nuclei.core.instances.measurements import write_features_csv
from napari_unet_nuclei.core.settings.choices import Link, OutputFormat
from napari_unet_nuclei.core.settings.measurements import MeasurementSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_unet_nuclei.core.files.label_records import LabelRecord
    from napari_unet_nuclei.core.images.axes import PlaneStack
    from napari_unet_nuclei.core.images.calibration import Calibration
    from napari_unet_nuclei.core.segmentation.seen_planes import Segmentation


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageResult:
    """One image and all that can be written of it.

    Parameters
    ----------
    stack : PlaneStack
        Its pixels.
    segmentation : Segmentation
        Its nuclei, with the maps if `FORMATS_OF_MAPS` are written.
    calibration : Calibration
        Sizes of its pixels.
    record : LabelRecord
        How the nuclei were found.
    measurements : MeasurementSettings
        What is measured of them.
    channels : mapping of str to PlaneStack
        All channels of the image, if more than the usual columns is measured.
    link : Link
        Along which axis its nuclei are linked.
    """

    stack: PlaneStack
    segmentation: Segmentation
    calibration: Calibration
    record: LabelRecord
    measurements: MeasurementSettings = field(default_factory=MeasurementSettings)
    channels: Mapping[str, PlaneStack] = field(default_factory=dict)
    link: Link = Link.NONE


def _write_tiff(path: Path, result: ImageResult, may_replace: bool) -> None:
    write_labels_tiff(
        path,
        result.segmentation.labels,
        axes=result.stack.axes,
        calibration=result.calibration,
        record=result.record,
        may_replace=may_replace,
    )


def _write_png(path: Path, result: ImageResult, may_replace: bool) -> None:
    labels = result.segmentation.labels
    write_labels_png(path, labels, record=result.record, may_replace=may_replace)


def _write_dsb2018(path: Path, result: ImageResult, may_replace: bool) -> None:
    image, labels = result.stack.single_plane(), result.segmentation.labels
    write_dsb2018_sample(path.parent, path.name, image, labels, may_replace=may_replace)


def _write_overlay(path: Path, result: ImageResult, may_replace: bool) -> None:
    image, labels = result.stack.single_plane(), result.segmentation.labels
    write_png(path, draw_side_by_side(image, labels), may_replace=may_replace)


def _write_features(path: Path, result: ImageResult, may_replace: bool) -> None:
    features = make_table(result)
    signals = np.full(len(features["label"]), result.segmentation.signal.value)
    table = {**features, "signal": signals}
    write_features_csv(path, table, may_replace=may_replace)


def _write_rois(path: Path, result: ImageResult, may_replace: bool) -> None:
    labels, axes = result.segmentation.labels, result.stack.axes
    write_rois(path, labels, axes=axes, may_replace=may_replace)


def _write_geojson(path: Path, result: ImageResult, may_replace: bool) -> None:
    labels, axes = result.segmentation.labels, result.stack.axes
    write_geojson(path, labels, axes=axes, may_replace=may_replace)


WRITERS: Mapping[OutputFormat, Callable[[Path, ImageResult, bool], None]] = {
    OutputFormat.TIFF: _write_tiff,
    OutputFormat.PNG: _write_png,
    OutputFormat.DSB2018: _write_dsb2018,
    OutputFormat.OVERLAY: _write_overlay,
    OutputFormat.FEATURES: _write_features,
    OutputFormat.ROIS: _write_rois,
    OutputFormat.GEOJSON: _write_geojson,
}
"""By form: takes a path, a result, and whether a file that is there is replaced."""

FORMATS_OF_STACKS = frozenset(
    {
        OutputFormat.TIFF,
        OutputFormat.FEATURES,
        OutputFormat.ROIS,
        OutputFormat.GEOJSON,
    }
)
"""Forms that hold more than a plane."""

FORMATS_OF_MAPS = frozenset({OutputFormat.FEATURES})
"""Forms that say something of the maps."""
