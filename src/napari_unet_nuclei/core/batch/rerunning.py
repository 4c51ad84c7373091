"""Labels that say how they were made are made again, and compared."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.batch.inputs import NamedImage, find_inputs
from napari_unet_nuclei.core.batch.own_results import read_image_of_others
from napari_unet_nuclei.core.batch.planning import plan_outputs
from napari_unet_nuclei.core.batch.run import segment_images
from napari_unet_nuclei.core.datasets.opening import PathContents, PathKind
from napari_unet_nuclei.core.errors import ImageError, LabelsError, ModelError
from napari_unet_nuclei.core.files.checksums import file_sha256
from napari_unet_nuclei.core.files.images import IMAGE_SUFFIXES
from napari_unet_nuclei.core.files.label_reading import read_label_stack
from napari_unet_nuclei.core.files.label_records import read_record
from napari_unet_nuclei.core.models.store import find_model, shipped_models, user_models
from napari_unet_nuclei.core.settings.choices import (
    OutputFormat,
)
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.writing.atomic_files import replacing, scratch_folder
from napari_unet_nuclei.core.writing.own_files import SOFTWARE, is_own_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_unet_nuclei.core.segmentation.model import Model


@dataclass(frozen=True, kw_only=True)
class EarlierRun:
    """How labels say that they were made.

    Parameters
    ----------
    image : str
        Name of the image.
    model : str
        Name of the model.
    model_sha256 : str, optional
        Of its file; labels of earlier versions do not say it.
    settings : SegmentationSettings
        How nuclei were found.
    axes : str, optional
        Axes of the image.
    channel : int, optional
        Channel that was segmented.
    spacing : float, optional
        Distance between depths in pixels, where it was given.
    series : int, optional
        Which of several images in a file, where it was chosen.
    package, engine : str
        What found them.
    corrections : str
        What was corrected since; empty if nothing was.
    """

    image: str
    model: str
    model_sha256: str | None
    settings: SegmentationSettings
    axes: str | None
    channel: int | None
    spacing: float | None
    series: int | None
    package: str
    engine: str
    corrections: str


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """What became of a run that was made again.

    Parameters
    ----------
    n_different : int
        Pixels that have another number than in the file.
    reasons : tuple of str
        Sentences on why that may be so; empty where nothing differs.
    """

    n_different: int
    reasons: tuple[str, ...] = ()


def read_run(path: Path) -> EarlierRun:
    """Read how labels were made.

    Parameters
    ----------
    path : Path
        A TIFF or PNG of labels that this package wrote.

    Returns
    -------
    EarlierRun
        What the file says.

    Raises
    ------
    LabelsError
        If it does not say it, or not in a way that this version understands.
    """
    record = read_record(path)
    origin: Mapping[str, Any] = {} if record is None else record.provenance
    try:
        return EarlierRun(
            # In napari, ``image`` is the name of a layer.
            image=str(origin.get("sample_id") or origin["image"]),
            model=str(origin["model"]),
            model_sha256=_optional(origin, "model_sha256", str),
            settings=SegmentationSettings.from_stored(
                origin["settings"], ignores_others=True
            ),
            axes=_optional(origin, "axes", str),
            channel=_optional(origin, "channel", int),
            spacing=_optional(origin, "spacing", int, float),
            series=_optional(origin, "series", int),
            package=str(origin.get("package", "")),
            engine=str(origin.get("engine", "")),
            corrections=str(origin.get("corrected_by_hand") or ""),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise LabelsError(
            "Expected labels that say how they were made, as `segment` writes them. "
            f"Received: {path}, which does not ({error})."
        ) from error


def _optional(origin: Mapping[str, Any], name: str, *kinds: type) -> Any:
    value = origin.get(name)
    if value is not None and type(value) not in kinds:
        raise ValueError(f"{name} is {value!r}")
    return value


def find_image(labels: Path, run: EarlierRun) -> Path:
    """Find the image beside its labels, or in the folder above.

    Parameters
    ----------
    labels : Path
        The label file.
    run : EarlierRun
        How it was made.

    Returns
    -------
    Path
        The only image of that name that is no result of this package.

    Raises
    ------
    ImageError
        If there is none, or several.
    """
    folders = labels.absolute().parent, labels.absolute().parent.parent
    # All images of ``a.tif`` are called ``a_s0``, ``a_s1`` and so on.
    stems = {run.image, run.image.replace(f"_s{run.series}", "")}
    for folder in folders:
        found = [
            file
            for file in sorted(folder.glob("*"))
            if file.name.startswith(tuple(f"{stem}." for stem in stems))
            and file.suffix.lower() in IMAGE_SUFFIXES
            and not is_own_file(file)
        ]
        if len(found) == 1:
            return found[0]
    raise ImageError(
        f"Expected an image called {run.image!r} beside {labels} or in the folder "
        "above. Received: none, or several. Name it with --image."
    )


def find_model_of(run: EarlierRun) -> Path:
    """Find the very model that labels were made with.

    Parameters
    ----------
    run : EarlierRun
        How they were made.

    Returns
    -------
    Path
        Its file, under whatever name.

    Raises
    ------
    ModelError
        If no model here has its sha256, or none has its name.
    """
    if run.model_sha256 is None:
        return find_model(run.model)
    names = dict.fromkeys([run.model, *shipped_models(), *user_models()])
    for name in names:
        try:
            path = find_model(name)
            if file_sha256(path) == run.model_sha256:
                return path
        except (ModelError, OSError):
            continue
    raise ModelError(
        f"Expected the model {run.model!r} with the sha256 {run.model_sha256[:12]}…, "
        "which the labels were made with. Received: only others. Copy its file to the "
        "folder for models."
    )


def rerun(
    labels: Path,
    image: Path,
    model: Model,
    run: EarlierRun,
    *,
    target: Path | None = None,
) -> Rerun:
    """Find the nuclei of an image again, and compare them with a file.

    Parameters
    ----------
    labels : Path
        The label file.
    image : Path
        The image that it was made from, or the folder or zip that holds it.
    model : Model
        The model that it was made with.
    run : EarlierRun
        Output of :func:`read_run`.
    target : Path, optional
        TIFF to write the new labels to.

    Returns
    -------
    Rerun
        What differs.

    Raises
    ------
    ImageError, DatasetError, EngineError, LabelsError, OutputError
        If the image or the labels cannot be used, or the TIFF cannot be written.
    """
    named = _name_image(image, run)
    with scratch_folder() as folder:
        outputs = plan_outputs([named], folder / "again", [OutputFormat.TIFF])
        steps = segment_images(
            *(model, [named], outputs, run.settings),
            axes=run.axes,
            channel=run.channel,
            spacing=run.spacing,
        )
        (done,) = steps
        if done.cause is not None:
            raise done.cause
        if done.error is not None:
            raise ImageError(done.error)
        written = outputs.path_of(run.image, OutputFormat.TIFF)
        now = read_label_stack(written)
        if target is not None:
            with replacing(target) as temporary:
                shutil.copyfile(written, temporary)
    before = read_label_stack(labels)
    if before.shape != now.shape:
        raise LabelsError(
            f"Expected labels of the shape {now.shape} of the image. Received: "
            f"{labels} of shape {before.shape}; choose the image it was made from."
        )
    n_different = int(np.count_nonzero(before != now))
    reasons = _explain(run, model) if n_different else ()
    return Rerun(n_different=n_different, reasons=reasons)


def _name_image(path: Path, run: EarlierRun) -> NamedImage:
    """Return the image that a run was of, which may be one of a data set."""
    if PathContents(path).kind is PathKind.FILE:
        read = partial(read_image_of_others, path, run.series)
        return NamedImage(run.image, read, path, run.series)
    (image,) = find_inputs([path], [run.image])
    return image


def _explain(run: EarlierRun, model: Model) -> tuple[str, ...]:
    """Say what differs from the earlier run."""
    engine = model.engine.description
    return tuple(
        sentence
        for differs, sentence in (
            (run.corrections, f"The labels were corrected: {run.corrections}."),
            (
                run.package != SOFTWARE,
                f"They were made with {run.package}; this is {SOFTWARE}.",
            ),
            (
                run.engine != engine,
                f"They were made on {run.engine}; this is {engine}.",
            ),
            (run.model_sha256 is None, "They do not say which version of the model."),
        )
        if differs
    )
