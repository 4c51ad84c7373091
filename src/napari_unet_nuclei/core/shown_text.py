r"""Names and messages as text that any screen, file or program takes.

A file name may hold bytes that are no UTF-8, line breaks, or sequences that move a
cursor.  Files are opened by their real names; what is *said or written* of them
goes through here.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_BYTES = range(0xDC80, 0xDD00)  # what Python reads a byte that is no UTF-8 as
_SURROGATES = range(0xD800, 0xE000)
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_UNSEEN = "\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff"


def as_encodable(text: str) -> str:
    r"""Return text that can be encoded in UTF-8.

    Parameters
    ----------
    text : str
        Anything, such as a sentence or JSON with the name of a file in it.

    Returns
    -------
    str
        The same, with a byte of a name that is no UTF-8 as ``\xe9``.
    """
    if not any(ord(character) in _SURROGATES for character in text):
        return text
    return "".join(map(_replace_surrogate, text))


def as_text(name: str) -> str:
    r"""Return a file name as text that fits in a line of a table or a list.

    Parameters
    ----------
    name : str
        Any name, as the operating system gives it to Python.

    Returns
    -------
    str
        The same, with a byte that is no UTF-8 as ``\xe9``, and a line break as
        ``\n``.

    Examples
    --------
    >>> print(as_text("caf\udce9"))
    caf\xe9
    """
    return "".join(
        _escape(c) if unicodedata.category(c) == "Cc" else c for c in as_encodable(name)
    )


def as_distinct_texts(names: Iterable[str]) -> dict[str, str]:
    """Return the text of each name; no two are the same.

    Parameters
    ----------
    names : iterable of str
        Different names.

    Returns
    -------
    dict of str to str
        Text by name.  A name that is text already keeps it.
    """
    names = list(names)
    texts = {name: name for name in names if as_text(name) == name}
    taken = set(texts)
    for name in names:
        text = as_text(name)
        while name not in texts and text in taken:
            text += "'"
        texts.setdefault(name, text)
        taken.add(texts[name])
    return {name: texts[name] for name in names}


def find_names(wanted: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the names that a list means, which may hold their texts.

    Parameters
    ----------
    wanted : iterable of str
        Names, or what `as_distinct_texts` makes of them.
    names : iterable of str
        The names there are.

    Returns
    -------
    list of str
        One name for each wanted; what means none of them is returned as it is.
    """
    meant = {text: name for name, text in as_distinct_texts(names).items()}
    return [meant.get(text, text) for text in wanted]


def with_texts(value: Any) -> Any:
    """Return a value ready to be written as JSON, with names as text.

    Parameters
    ----------
    value : object
        Anything made of mappings, lists, strings and numbers.

    Returns
    -------
    object
        The same, with `as_encodable` of every string, keys included.
    """
    match value:
        case str():
            return as_encodable(value)
        case dict():
            return {with_texts(key): with_texts(each) for key, each in value.items()}
        case list() | tuple():
            return [with_texts(each) for each in value]
    return value


def make_visible(text: str) -> str:
    r"""Return text that stays on its line and does nothing but be read.

    Parameters
    ----------
    text : str
        Anything, such as a message with the name of a file in it.

    Returns
    -------
    str
        The same, with line breaks, other control characters, marks that turn the
        direction of writing, and bytes that are no UTF-8 as escape sequences.

    Examples
    --------
    >>> print(make_visible("a.tif\nError: all is lost"))
    a.tif\nError: all is lost
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if _is_unsafe(c) else c for c in as_encodable(text))


def _is_unsafe(character: str) -> bool:
    return (
        unicodedata.category(character) == "Cc"
        or unicodedata.bidirectional(character) in _TURNING
        or character in _UNSEEN
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _replace_surrogate(character: str) -> str:
    code = ord(character)
    if code in _BYTES:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code in _SURROGATES else character
