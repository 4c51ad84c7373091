"""What is found of the input of a training before it starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import TrainingError
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage
from napari_unet_nuclei.plugin.finetune.checked_training import (
    iter_checked_fine_tuning,
)
from napari_unet_nuclei.plugin.finetune.findings import InputReport
from napari_unet_nuclei.plugin.finetune.input_check import (
    TrainingInput,
    iter_input_check,
)
from napari_unet_nuclei.plugin.finetune.training_process import FineTuneRequest
from napari_unet_nuclei.plugin.finetune.training_samples import (
    make_samples,
    write_samples,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

IMAGE, LABELS = draw_nuclei(0, (300, 300), 40)


def make_pair(**changes: Any) -> AnnotatedImage:
    pair = AnnotatedImage(name="cells", image=IMAGE, axes="YX", labels=LABELS)
    return replace(pair, **changes)


def check(*pairs: AnnotatedImage, **more: Any) -> InputReport:
    given = TrainingInput(pairs=dict(enumerate(pairs)), **more)
    report = exhaust(iter_input_check(given, more.pop("see", None)))
    assert isinstance(report, InputReport)
    return report


def test_nothing_is_wrong_with_good_input() -> None:
    report = check(make_pair())
    assert report.findings == {}
    assert report.error is None
    assert report.counts is not None
    assert report.counts.n_nuclei == len(np.unique(LABELS)) - 1


def test_each_problem_stands_beside_its_pair() -> None:
    one_number = (LABELS > 0).astype(np.uint8)
    report = check(
        make_pair(), make_pair(labels=one_number), make_pair(labels=LABELS[:200])
    )
    assert set(report.findings) == {1, 2}
    assert "have one number" in report.findings[1].text
    assert "Give each nucleus a number of its own" in report.findings[1].text
    assert "as large as the image" in report.findings[2].text
    assert report.findings[1].is_error
    assert report.error == report.findings[2].text


def test_a_warning_does_not_stop_the_training() -> None:
    image = IMAGE.astype(np.float32)
    image[:5, :5] = np.nan
    report = check(make_pair(image=image))
    assert report.findings[0].has_problem
    assert not report.findings[0].is_error
    assert "NaN" in report.findings[0].text
    assert report.error is None


def test_labels_without_nuclei_stop_it_only_if_there_are_no_others() -> None:
    empty = make_pair(labels=np.zeros_like(LABELS))
    assert check(empty).error == (
        "No nucleus is labelled in any image; label some nuclei first."
    )
    both = check(empty, make_pair())
    assert both.error is None
    assert both.findings[0].text == "No nucleus is labelled here."
    assert check().findings == {}


def test_planes_of_a_stack_are_counted_together() -> None:
    one_number = (LABELS > 0).astype(np.uint8)
    pair = make_pair(
        image=np.stack([IMAGE] * 3), axes="ZYX", labels=np.stack([one_number] * 3)
    )
    assert "(3 times)" in check(pair).findings[0].text


def test_what_the_model_sees_beside_the_painted_nuclei_is_counted() -> None:
    few = np.where(LABELS <= 6, LABELS, 0)
    given = TrainingInput(pairs={0: make_pair(labels=few)})
    report = exhaust(iter_input_check(given, lambda *_: LABELS))
    assert report.counts.n_nuclei == 6
    assert report.counts.n_unpainted == LABELS.max() - 6
    assert report.seems_unfinished
    ring = TrainingInput(pairs={0: make_pair(labels=few, annotated=Annotated.PAINTED)})
    report = exhaust(iter_input_check(ring, lambda *_: LABELS))
    assert report.counts.n_ignored > 20
    assert not report.seems_unfinished
    whole = TrainingInput(pairs={0: make_pair()})
    assert not exhaust(iter_input_check(whole, lambda *_: LABELS)).seems_unfinished


def test_a_data_set_is_looked_at(tmp_path: Path) -> None:
    write_samples(tmp_path / "good", make_samples([make_pair()]))
    (tmp_path / "empty").mkdir()
    report = check(folders={"good": tmp_path / "good", "empty": tmp_path / "empty"})
    assert report.findings["good"].text == "1 annotated image."
    assert not report.findings["good"].has_problem
    assert "Expected a DSB2018 folder" in report.findings["empty"].text
    assert report.error == report.findings["empty"].text


def test_what_is_wrong_with_a_data_set_is_said_and_left_to_training(
    tmp_path: Path,
) -> None:
    bad = make_samples([make_pair(image=np.full_like(IMAGE, 7))])
    write_samples(tmp_path / "flat", bad)
    report = check(folders={"flat": tmp_path / "flat"})
    assert "All pixels of the image are 7" in report.findings["flat"].text
    assert report.findings["flat"].has_problem
    assert report.error is None


def test_training_does_not_start_on_bad_input(
    tmp_path: Path, fake_training: Callable[..., Callable[..., list[str]]]
) -> None:
    request = FineTuneRequest(
        pairs=[make_pair(labels=(LABELS > 0).astype(np.uint8))],
        start=tmp_path / "start.unetnuclei",
        output=tmp_path / "new.unetnuclei",
        minutes=1,
        command=fake_training("EXIT 1"),
    )
    with pytest.raises(TrainingError, match="have one number"):
        exhaust(iter_checked_fine_tuning(request))
    assert list(tmp_path.iterdir()) == []  # the process was not started


def test_the_process_gets_the_pairs_as_one_data_set_and_all_others(
    tmp_path: Path,
) -> None:
    write_samples(tmp_path / "lab", make_samples([make_pair()]))
    asked: list[list[Path]] = []

    def command(data: Sequence[Path], *_: Any) -> list[str]:
        asked.append(list(data))
        assert sorted(each.name for each in (data[0] / "labels").iterdir()) == [
            "0000_cells.tif",
            "0001_cells.tif",
        ]
        return ["/nowhere/python"]

    request = FineTuneRequest(
        pairs=[make_pair(), make_pair()],
        folders=[tmp_path / "lab"],
        start=tmp_path / "start.unetnuclei",
        output=tmp_path / "new.unetnuclei",
        minutes=1,
        command=command,
    )
    with pytest.raises(TrainingError, match="cannot be started"):
        exhaust(iter_checked_fine_tuning(request))
    assert asked[0][1:] == [tmp_path / "lab"]
