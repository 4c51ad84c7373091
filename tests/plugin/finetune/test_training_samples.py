"""What a training process reads of images, labels and areas."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.datasets.opening import open_samples
from napari_unet_nuclei.core.datasets.synthetic import draw_nuclei
from napari_unet_nuclei.core.errors import LabelsError, TrainingError
from napari_unet_nuclei.core.settings.choices import Annotated
from napari_unet_nuclei.plugin.finetune.annotated_image import AnnotatedImage
from napari_unet_nuclei.plugin.finetune.training_samples import (
    make_samples,
    write_samples,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pair() -> AnnotatedImage:
    image, labels = draw_nuclei(0, (80, 90), 6)
    return AnnotatedImage(name="cells", image=image, axes="YX", labels=labels)


@pytest.fixture
def stack(pair: AnnotatedImage) -> AnnotatedImage:
    image, labels = np.asarray(pair.image), pair.labels
    return AnnotatedImage(
        name="stack/µm",
        image=np.stack([image, image, image // 2]),
        axes="ZYX",
        labels=np.stack([labels, 0 * labels, labels]),
    )


def test_image_and_labels_must_belong_together(pair: AnnotatedImage) -> None:
    with pytest.raises(LabelsError, match=r"as large as the image, \(80, 90\)"):
        make_samples([replace(pair, labels=pair.labels[1:])])
    with pytest.raises(TrainingError, match="labels with background only"):
        make_samples([replace(pair, labels=np.zeros_like(pair.labels))])


def test_samples_are_the_labelled_planes_as_training_reads_them(
    stack: AnnotatedImage, tmp_path: Path
) -> None:
    labels, image = stack.labels[2], np.asarray(stack.image)[2]
    only = replace(stack, labels=labels[np.newaxis], plane=(2,))
    (sample,) = make_samples([only])
    np.testing.assert_array_equal(sample.image[..., 0], image)
    np.testing.assert_array_equal(sample.labels, labels)
    write_samples(tmp_path / "data", make_samples([stack]))
    source = open_samples(tmp_path / "data")
    assert len(source.sample_ids) == 2
    last = source.read_sample(source.sample_ids[-1])
    np.testing.assert_array_equal(last.labels, labels)
    np.testing.assert_array_equal(last.image[..., 0], image)


def test_several_pairs_go_into_one_data_set_and_keep_their_names(
    pair: AnnotatedImage, stack: AnnotatedImage, tmp_path: Path
) -> None:
    write_samples(tmp_path / "data", make_samples([pair, stack, pair]))
    assert list(open_samples(tmp_path / "data").sample_ids) == [
        "0000_cells",
        "0001_stack_µm_plane_0",
        "0002_stack_µm_plane_2",
        "0003_cells",
    ]


def test_outside_of_the_area_labels_are_ignored_on_disk_too(
    pair: AnnotatedImage, tmp_path: Path
) -> None:
    area = np.zeros(pair.labels.shape, bool)
    area[:40] = True
    write_samples(
        tmp_path / "data",
        make_samples([replace(pair, annotated=Annotated.AREA, area=area)]),
    )
    source = open_samples(tmp_path / "data")
    labels = source.read_sample(source.sample_ids[0]).labels
    assert (labels[40:] == -1).all()
    np.testing.assert_array_equal(labels[:40], pair.labels[:40])


def test_around_painted_nuclei_there_is_a_ring_of_background(
    pair: AnnotatedImage,
) -> None:
    one = np.where(pair.labels == 1, 1, 0)
    (sample,) = make_samples([replace(pair, labels=one, annotated=Annotated.PAINTED)])
    assert set(np.unique(sample.labels)) == {-1, 0, 1}
    assert (sample.labels == 1).sum() == one.sum()
    assert 0 < (sample.labels == 0).sum() < 3 * one.sum()


def test_a_plane_without_nuclei_counts_where_the_area_covers_it(
    stack: AnnotatedImage,
) -> None:
    area = np.zeros(stack.labels.shape, bool)
    area[:2, :40] = True
    samples = make_samples([replace(stack, annotated=Annotated.AREA, area=area)])
    assert [sample.sample_id for sample in samples] == [
        "stack/µm plane 0",
        "stack/µm plane 1",
    ]
    assert samples[1].labels.max() == 0
    with pytest.raises(LabelsError, match="an area as large as the image"):
        make_samples([replace(stack, annotated=Annotated.AREA, area=area[..., :-1])])
