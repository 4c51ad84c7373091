"""Which tiles are proposed, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import LabelsError, SettingsError
from napari_unet_nuclei.core.progress import exhaust
from napari_unet_nuclei.core.proposals import candidates
from napari_unet_nuclei.core.proposals.proposing import iter_survey, propose_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet_nuclei.core.segmentation.model import Model


def places(tiles: list[Any]) -> list[tuple[int, int]]:
    return [(tile.top, tile.left) for tile in tiles]


def test_the_first_tile_is_where_the_model_is_least_sure(
    model: Model, image: NDArray[np.uint8]
) -> None:
    first = propose_tiles(image, model, n_tiles=1, tile_size=128)[0]
    assert 192 < first.left < 512
    assert first.novelty == 1
    assert 0.5 < first.uncertainty <= 1


def test_a_tile_unlike_those_before_comes_before_one_that_is_only_unsure(
    model: Model, image: NDArray[np.uint8]
) -> None:
    tiles = propose_tiles(image, model, n_tiles=50, tile_size=128)
    worth = [tile.uncertainty * tile.novelty for tile in tiles]
    unsure = [tile.uncertainty for tile in tiles]
    assert worth == sorted(worth, reverse=True)
    assert unsure != sorted(unsure, reverse=True)


def test_where_nothing_is_the_model_is_not_unsure(
    model: Model, image: NDArray[np.uint8]
) -> None:
    tiles = propose_tiles(image, model, n_tiles=50, tile_size=128)
    last = tiles[-1]
    assert last.left > 512
    assert (last.uncertainty, last.n_found) == (0, 0)


def test_tiles_do_not_overlap(model: Model, image: NDArray[np.uint8]) -> None:
    tiles = propose_tiles(image, model, n_tiles=50, tile_size=128)
    covered = np.zeros(image.shape, int)
    for tile in tiles:
        covered[tile.box] += 1
    assert covered.max() == 1
    assert len(tiles) >= 6


def test_a_tile_brings_the_nuclei_that_the_model_finds_in_it(
    model: Model, image: NDArray[np.uint8]
) -> None:
    tile = propose_tiles(image, model, n_tiles=1, tile_size=128)[0]
    found = model.segment(image)[tile.box]
    assert tile.found.shape == (128, 128)
    assert tile.found.dtype == np.int32
    np.testing.assert_array_equal(tile.found, found)
    assert tile.n_found == np.unique(found).size - 1 > 8


def test_what_is_annotated_is_not_proposed_again(
    model: Model, image: NDArray[np.uint8]
) -> None:
    labels = np.full(image.shape, -1)
    labels[:, 256:512] = 0
    tiles = propose_tiles(image, model, labels, n_tiles=50, tile_size=128)
    assert {tile.left for tile in tiles} & set(range(129, 512)) == set()
    assert places(tiles)


def test_painted_nuclei_are_annotated_where_nothing_else_is_said(
    model: Model, image: NDArray[np.uint8]
) -> None:
    labels = np.zeros(image.shape, np.uint8)
    labels[100:110, 300:310] = 7
    tiles = propose_tiles(image, model, labels, n_tiles=50, tile_size=128)
    assert not any(labels[tile.box].any() for tile in tiles)


def test_an_annotated_look_is_known(model: Model, image: NDArray[np.uint8]) -> None:
    """Half of the dim squares are annotated: the other half is worth less now."""
    labels = np.full(image.shape, -1)
    labels[:, 384:512] = 0
    first = propose_tiles(image, model, labels, n_tiles=1, tile_size=128)[0]
    assert first.novelty < 1


def test_where_all_is_annotated_nothing_is_proposed(
    model: Model, image: NDArray[np.uint8]
) -> None:
    assert propose_tiles(image, model, np.ones(image.shape, int)) == []


def test_a_survey_proposes_the_next_tile_without_the_network(
    model: Model, image: NDArray[np.uint8]
) -> None:
    survey = exhaust(iter_survey(model, image, 128))
    model.engine.predict = None  # type: ignore[assignment]
    annotated = np.zeros(image.shape, bool)
    placed = []
    for _ in range(4):
        (tile,) = survey.propose(annotated, 1)
        annotated[tile.box] = True
        placed.append((tile.top, tile.left))
    assert len(set(placed)) == 4


def test_runs_are_alike(model: Model, image: NDArray[np.uint8]) -> None:
    runs = [propose_tiles(image, model, n_tiles=4, tile_size=64) for _ in range(2)]
    assert places(runs[0]) == places(runs[1])


def test_a_small_image_is_proposed_whole(model: Model) -> None:
    tile = propose_tiles(np.eye(40, 30), model)[0]
    assert tile.box == (slice(0, 40), slice(0, 30))


def test_colours_and_sampled_tiles_are_seen_too(
    model: Model, image: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates.find_candidates, "__defaults__", (image.size // 2,))
    colours = np.stack([image, image, image // 2], axis=-1)
    tiles = propose_tiles(colours, model, n_tiles=2, tile_size=64)
    assert all(200 < tile.left < 512 for tile in tiles[:1])


def test_each_tile_of_the_network_is_a_step(
    model: Model, image: NDArray[np.uint8]
) -> None:
    steps = iter_survey(model, image)
    assert type(next(steps)).__name__ == "TileDone"
    steps.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_tiles": 0}, "number of tiles must be 1 or more. Received: n_tiles=0"),
        ({"tile_size": 63}, "tile size must be 64 px or more. Received: tile_size=63"),
    ],
)
def test_settings_are_checked(
    model: Model, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        propose_tiles(np.zeros((99, 99)), model, **arguments)


def test_labels_have_to_fit(model: Model) -> None:
    with pytest.raises(LabelsError, match=r"as large as the image, \(99, 99\)"):
        propose_tiles(np.zeros((99, 99)), model, np.zeros((99, 98), int))
