from __future__ import annotations

import json
import os
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet_nuclei.core.shown_text import (
    as_distinct_texts,
    as_encodable,
    as_text,
    find_names,
    make_visible,
    with_texts,
)

if TYPE_CHECKING:
    from typing import Any

LATIN = os.fsdecode(b"caf\xe9") if os.name == "posix" else "caf\udce9"


def test_bytes_that_are_no_utf8_are_written_as_numbers() -> None:
    assert as_text(LATIN) == r"caf\xe9"
    assert as_text("核 é \ud800") == r"核 é \ud800"
    assert as_text("a\r\nb") == r"a\r\nb"
    assert as_encodable(f"{LATIN}\n") == "caf\\xe9\n"


@given(st.text(st.characters(codec=None)))
def test_every_text_can_be_encoded(name: Any) -> None:
    assert as_text(name).encode("utf-8").decode("utf-8") == as_text(name)
    assert as_text(as_text(name)) == as_text(name)


@given(st.lists(st.text(st.sampled_from("r\\xe9'\udce9\r")), unique=True))
def test_different_names_have_different_texts_that_lead_back(names: Any) -> None:
    texts = as_distinct_texts(names)
    assert list(texts) == names
    assert len(set(texts.values())) == len(names)
    assert find_names(texts.values(), names) == names


def test_a_name_that_is_text_keeps_it() -> None:
    names = [LATIN, r"caf\xe9"]
    assert as_distinct_texts(names) == {LATIN: r"caf\xe9'", r"caf\xe9": r"caf\xe9"}


def test_a_list_may_hold_names_and_texts() -> None:
    assert find_names(["a", r"caf\xe9", "b"], ["a", LATIN]) == ["a", LATIN, "b"]
    assert find_names([LATIN], ["a", LATIN]) == [LATIN]


def test_json_holds_no_half_characters() -> None:
    content = with_texts({LATIN: [LATIN, 1, None, (LATIN,)], "a": 0.5})
    assert content == {r"caf\xe9": [r"caf\xe9", 1, None, [r"caf\xe9"]], "a": 0.5}
    assert "udc" not in json.dumps(content)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.tif\nError: lost", r"a.tif\nError: lost"),
        ("\x1b[31mred\r\b\x9b2J", r"\x1b[31mred\r\x08\x9b2J"),
        ("photo\u202efit.exe", r"photo\u202efit.exe"),
        ("a\u2028b\u200bc\ufeff", r"a\u2028b\u200bc\ufeff"),
        (LATIN, r"caf\xe9"),
        ("核 → 30 px² [red]x[/] 👩\u200d🔬", "核 → 30 px² [red]x[/] 👩\u200d🔬"),
    ],
)
def test_text_stays_on_its_line(text: str, shown: str) -> None:
    assert make_visible(text) == shown


@given(st.text(st.characters(codec=None)))
def test_no_text_controls_a_terminal(text: Any) -> None:
    shown = make_visible(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in shown)
    assert len(shown.splitlines()) <= 1
