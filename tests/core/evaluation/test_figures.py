from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.evaluation.comparison import ImageCompared, LabelPair
from napari_unet_nuclei.core.evaluation.contingency import cross_tabulate
from napari_unet_nuclei.core.evaluation.figures import draw_comparison
from napari_unet_nuclei.core.evaluation.mistakes import find_mistakes
from napari_unet_nuclei.core.evaluation.pixel_scores import score_pixels
from napari_unet_nuclei.core.evaluation.scores import score_image
from napari_unet_nuclei.core.images.staining import Staining

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

TRUE, PREDICTED, AGREED = (42, 168, 255), (255, 63, 164), (255, 214, 10)


def rectangle(shape: tuple[int, ...], *boxes: Any) -> NDArray[Any]:
    """Label image with a nucleus for each (top, bottom, left, right)."""
    labels = np.zeros(shape, np.int32)
    for number, (top, bottom, left, right) in enumerate(boxes, start=1):
        labels[top:bottom, left:right] = number
    return labels


def draw(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    image: NDArray[Any] | None = None,
    name: str = "some image",
) -> Any:
    pair = LabelPair(name=name, truth=truth, prediction=prediction, image=image)
    table = cross_tabulate(truth, prediction)
    compared = ImageCompared(
        name=name,
        scores=score_image(table),
        pixels=score_pixels(table),
        mistakes=find_mistakes(table),
        staining=None if image is None else Staining.GRAYSCALE_DARK,
    )
    return draw_comparison(pair, compared)


def panels(figure: Any) -> list[NDArray[Any]]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def marks(figure: Any) -> dict[str, list[Any] | list[tuple[Any, ...]]]:
    """Position of the marks by the sentence in the legend."""
    return {
        line.get_label(): list(zip(*line.get_data(), strict=True))
        for line in figure.axes[-1].lines
    }


def has_colour(picture: NDArray[Any], colour: tuple[int, ...]) -> NDArray[Any]:
    return (picture == colour).all(axis=-1)


SHAPE = (900, 900)
WHOLE = rectangle(SHAPE, (100, 140, 100, 180))
HALVES = rectangle(SHAPE, (100, 140, 100, 140), (100, 140, 140, 180))
ELSEWHERE = rectangle(SHAPE, (500, 540, 600, 680))


def test_lines_that_agree_have_a_colour_of_their_own() -> None:
    (picture,) = panels(draw(WHOLE, WHOLE))
    is_line = has_colour(picture, AGREED)
    assert is_line[100, 100:180].all()
    assert is_line.sum() == 2 * 40 + 2 * 80 - 4
    assert (picture[~is_line] == 0).all()


def test_a_pixel_apart_still_agrees_and_two_do_not() -> None:
    for shift, colour in ((1, AGREED), (2, PREDICTED)):
        (picture,) = panels(draw(WHOLE, np.roll(WHOLE, shift, axis=0)))
        assert has_colour(picture, colour)[100 + shift, 110:170].all()


@pytest.mark.parametrize(
    ("truth", "prediction", "colour", "sentence"),
    [
        (HALVES, WHOLE, TRUE, "merged: 1"),
        (WHOLE, HALVES, PREDICTED, "split: 1"),
    ],
)
def test_the_line_that_is_missing_or_too_much_shows(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    colour: tuple[int, ...],
    sentence: str,
) -> None:
    figure = draw(truth, prediction)
    (picture,) = panels(figure)
    assert has_colour(picture, colour)[105:135, 139:141].all()
    assert has_colour(picture, AGREED)[100, 105:135].all()
    ((x, y),) = marks(figure)[sentence]
    assert (x, y) == (pytest.approx(139.5), pytest.approx(119.5))


def test_missed_and_spurious_nuclei_are_marked() -> None:
    figure = draw(WHOLE, ELSEWHERE)
    found = marks(figure)
    assert found["missed: 1"] == [(139.5, 119.5)]
    assert found["spurious: 1"] == [(639.5, 519.5)]
    assert found["merged: 0"] == found["split: 0"] == []
    (picture,) = panels(figure)
    assert has_colour(picture, TRUE)[100, 100:180].all()
    assert has_colour(picture, PREDICTED)[500, 600:680].all()


def test_the_legend_names_colours_and_counts() -> None:
    legend = draw(WHOLE, ELSEWHERE).legends[0]
    assert [text.get_text() for text in legend.texts] == [
        *("agreed", "true only", "predicted only"),
        *("merged: 0", "split: 0", "missed: 1", "spurious: 1"),
    ]


def test_the_image_stands_beside_and_grey_below_the_lines() -> None:
    image = np.zeros((*SHAPE, 3), np.uint8)
    image[:450, :, 0] = 200
    plain, picture = panels(draw(WHOLE, WHOLE, image))
    assert plain[0, 0].tolist() == [255, 0, 0]
    assert picture[0, 0].tolist() == [55, 55, 55]


def test_the_title_names_image_staining_and_scores() -> None:
    title = draw(WHOLE, WHOLE, np.zeros(SHAPE), "a $b$").get_suptitle()
    assert title.startswith("a $b$ (grayscale-dark)\nDSB2018 1.000")


def test_small_images_are_enlarged_and_marks_follow() -> None:
    truth = rectangle((90, 60), (10, 20, 30, 50))
    figure = draw(truth, np.zeros_like(truth))
    (picture,) = panels(figure)
    assert picture.shape == (900, 600, 3)
    assert marks(figure)["missed: 1"] == [(399.5, 149.5)]
    assert has_colour(picture, TRUE)[100:102, 300:500].all()


def test_large_images_are_thinned_out() -> None:
    truth = rectangle((6000, 3000), (3000, 3300, 900, 1200))
    figure = draw(truth, np.zeros_like(truth), np.zeros(truth.shape, np.uint8))
    plain, picture = panels(figure)
    assert plain.shape == picture.shape == (2000, 1000, 3)
    ((x, y),) = marks(figure)["missed: 1"]
    assert (x, y) == (pytest.approx(349.5, abs=0.5), pytest.approx(1049.5, abs=0.5))


def test_tiny_nuclei_are_enlarged_too() -> None:
    truth = rectangle((1000, 1000), (500, 510, 500, 510))
    (picture,) = panels(draw(truth, truth))
    assert picture.shape == (2000, 2000, 3)


def test_wide_images_stand_above_each_other() -> None:
    truth = rectangle((400, 900), (10, 60, 30, 80))
    figure = draw(truth, truth, np.zeros(truth.shape))
    width, height = figure.get_size_inches()
    assert height > 800 / 100
    assert width < 1000 / 100
