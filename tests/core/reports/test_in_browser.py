"""The page in a real browser: what is clicked is what happens."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_unet_nuclei.core.reports.image_summary import draw_thumbnail
from napari_unet_nuclei.core.reports.writing import (
    Column,
    Report,
    Row,
    write_report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A browser is no package that pip could install beside the others.
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

EVIL = "<img src=x onerror=document.title='hacked'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    labels = np.zeros((60, 60), np.int32)
    labels[10:30, 10:30] = 1
    picture = draw_thumbnail((labels * 200).astype(np.uint8), labels, 64)
    (folder / "im #1%_overlay.png").write_bytes(b"a picture")
    rows = [
        Row(
            name=f"image {number}",
            values=(float(number % 37),),
            group="even" if number % 2 == 0 else "odd",
            thumbnail=picture,
            link="im #1%_overlay.png",
            outlier=number / 10,
        )
        for number in range(250)
    ]
    rows += [
        Row(name=EVIL, values=(3.0,), group="odd", note=EVIL),
        Row(name="broken", values=(float("nan"),), note="Damaged.", is_failed=True),
    ]
    path = folder / "report.html"
    column = Column(title="nuclei", hint="How many")
    write_report(
        path, Report(title="Nuclei", facts=(), columns=(column,), rows=tuple(rows))
    )
    return path


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(report.as_uri())
    yield page
    context.close()


def names(page: Any) -> list[str]:
    return [*page.locator("td.name").all_inner_texts()]


def click(page: Any, title: str) -> None:
    page.locator("th button", has_text=title).click()


def test_what_has_no_result_comes_first_then_what_is_unusual(page: Any) -> None:
    assert names(page)[:3] == ["broken", "image 249", "image 248"]
    assert page.locator("tbody tr").count() == 100
    assert page.locator("#shown").inner_text() == "1 to 100 of 252"


def test_a_click_sorts_and_a_second_one_turns_around(page: Any) -> None:
    click(page, "nuclei")
    numbers = page.locator("tbody tr td:nth-child(4)").all_inner_texts()
    assert numbers == sorted(numbers, key=int, reverse=True)
    click(page, "nuclei")
    numbers = page.locator("tbody tr td:nth-child(4)").all_inner_texts()
    assert numbers == sorted(numbers, key=int)
    header = page.locator("th", has_text="nuclei")
    assert header.get_attribute("aria-sort") == "ascending"
    click(page, "name")
    assert names(page)[1:4] == ["broken", "image 0", "image 1"]
    assert names(page)[12] == "image 10"


def test_pages_turn_and_the_last_one_ends(page: Any) -> None:
    previous, following = page.locator("#previous"), page.locator("#next")
    assert previous.is_disabled()
    following.click()
    following.click()
    assert page.locator("#shown").inner_text() == "201 to 252 of 252"
    assert following.is_disabled()
    previous.click()
    assert page.locator("#shown").inner_text() == "101 to 200 of 252"


def test_filter_and_group_leave_what_was_asked_for(page: Any) -> None:
    page.fill("#filter", "IMAGE 24")
    assert len(names(page)) == 11
    page.select_option("#group", "odd")
    assert {*names(page)} == {f"image {n}" for n in (241, 243, 245, 247, 249)}
    page.fill("#filter", "nothing like this")
    assert page.locator("#shown").inner_text() == "nothing found"


def test_a_thumbnail_opens_its_picture(page: Any, report: Path) -> None:
    link = page.locator("td a").first
    resolved = link.evaluate("link => link.href")
    assert resolved == (report.parent / "im #1%_overlay.png").as_uri()
    assert page.locator("td img").first.evaluate("image => image.naturalWidth") > 0


def test_the_keyboard_does_it_too(page: Any) -> None:
    page.locator("#filter").focus()
    for _ in range(2):  # over the group; "Previous" can do nothing yet
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#shown").inner_text() == "101 to 200 of 252"
    for _ in range(3):  # back to "Previous", or on to the name
        if page.evaluate("document.activeElement.dataset.key") == "name":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    header = page.locator("th", has_text="name")
    assert header.get_attribute("aria-sort") == "ascending"


def test_names_run_nothing_and_nothing_is_fetched(page: Any, report: Path) -> None:
    page.fill("#filter", "onerror")
    assert names(page) == [EVIL]
    assert page.title() == "Nuclei"
    assert page.locator("tbody img").count() == 0
    fetched = {url for url in page.asked if not url.startswith("data:")}
    assert fetched == {report.as_uri()}


def test_both_themes_can_be_read(browser: Any, report: Path) -> None:
    grounds = []
    for theme in ("light", "dark"):
        context = browser.new_context(color_scheme=theme)
        page = context.new_page()
        page.goto(report.as_uri())
        style = "getComputedStyle(document.body)"
        grounds.append(page.evaluate(f"{style}.backgroundColor"))
        assert page.evaluate(f"{style}.color") != grounds[-1]
        context.close()
    assert grounds[0] != grounds[1]
