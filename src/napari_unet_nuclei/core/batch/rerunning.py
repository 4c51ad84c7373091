"""Labels that say how they were made are made again, and compared."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.batch.inputs import NamedImage
from napari_unet_nuclei.core.batch.own_results import read_image_of_others
from napari_unet_nuclei.core.batch.planning import plan_outputs
from napari_unet_nuclei.core.batch.run import segment_images
from napari_unet_nuclei.core.errors import ImageError, LabelsError, ModelError
from napari_unet_nuclei.core.files.images import IMAGE_SUFFIXES
from napari_unet_nuclei.core.files.label_reading import read_label_stack
from napari_unet_nuclei.core.files.label_records import read_record
from napari_unet_nuclei.core.models.bundle import read_bundle
from napari_unet_nuclei.core.models.store import find_model, shipped_models, user_models
from napari_unet_nuclei.core.settings.choices import (
    OutputFormat,
    parse_link,
    parse_stain,
)
from napari_unet_nuclei.core.settings.segmentation import SegmentationSettings
from napari_unet_nuclei.core.writing.atomic_files import replacing, scratch_folder
from napari_unet_nuclei.core.writing.own_files import SOFTWARE, is_own_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_unet_nuclei.core.segmentation.model import Model

_PARSERS = {"stain": parse_stain, "link": parse_link}


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
        known = {each.name for each in fields(SegmentationSettings)}
        settings: dict[str, Any] = {
            name: _PARSERS[name](value) if name in _PARSERS else value
            for name, value in origin["settings"].items()
            if name in known
        }
        return EarlierRun(
            image=str(origin["image"]),
            model=str(origin["model"]),
            model_sha256=origin.get("model_sha256"),
            settings=SegmentationSettings(**settings),
            axes=origin.get("axes"),
            channel=origin.get("channel"),
            package=str(origin.get("package", "")),
            engine=str(origin.get("engine", "")),
            corrections=str(origin.get("corrected_by_hand") or ""),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise LabelsError(
            "Expected labels that say how they were made, as `segment` writes them. "
            f"Received: {path}, which does not ({error})."
        ) from error


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
    for folder in folders:
        found = [
            file
            for file in sorted(folder.glob("*"))
            if file.name.startswith(f"{run.image}.")
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
            if read_bundle(path).sha256 == run.model_sha256:
                return path
        except ModelError:
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
        The image that it was made from.
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
    ImageError, EngineError, LabelsError, OutputError
        If the image or the labels cannot be used, or the TIFF cannot be written.
    """
    named = NamedImage(run.image, lambda: read_image_of_others(image), image)
    with scratch_folder() as folder:
        outputs = plan_outputs([named], folder / "again", [OutputFormat.TIFF])
        steps = segment_images(
            *(model, [named], outputs, run.settings),
            axes=run.axes,
            channel=run.channel,
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
