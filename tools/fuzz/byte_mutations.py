"""Bytes, damaged at random: what all kinds of files have in common.

Everything follows from the random generator that is handed in, so that a case can
be made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Rng = np.random.Generator

NUMBERS = (0, 1, 2, 7, 255, 256, 60_000, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
WORDS = (
    "Ü 細胞 🔬",
    "..",
    ".hidden",
    "-rf",
    "a b",
    "n" * 120,
    "[red]",
    "C:",
    "%s",
    "'\"",
)


def pick(rng: Rng, items: Any) -> Any:
    """Choose one of some items."""
    items = list(items)
    return items[int(rng.integers(len(items)))]


def truncate(content: bytes, rng: Rng) -> bytes:
    """Cut off the end."""
    return content[: int(rng.integers(len(content) + 1))]


def flip_bits(content: bytes, rng: Rng) -> bytes:
    """Turn over a few bits."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 17)) if changed else 0):
        changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def splice(content: bytes, rng: Rng) -> bytes:
    """Put a piece of the content somewhere else in it."""
    start, stop, place = sorted(map(int, rng.integers(len(content) + 1, size=3)))
    piece = content[start:stop]
    return (
        content[:place] + piece + content[place + len(piece) * int(rng.integers(2)) :]
    )


def overwrite(content: bytes, rng: Rng) -> bytes:
    """Put noise, or zeros, over a piece of the content."""
    start = int(rng.integers(len(content) + 1))
    n_bytes = int(rng.integers(1, 65))
    noise = rng.bytes(n_bytes) if rng.integers(2) else bytes(n_bytes)
    return content[:start] + noise + content[start + n_bytes :]


def insert(content: bytes, rng: Rng) -> bytes:
    """Put noise between two bytes."""
    start = int(rng.integers(len(content) + 1))
    return content[:start] + rng.bytes(int(rng.integers(1, 65))) + content[start:]


def delete(content: bytes, rng: Rng) -> bytes:
    """Take out a piece."""
    start = int(rng.integers(len(content) + 1))
    return content[:start] + content[start + int(rng.integers(1, 65)) :]


def repeat(content: bytes, rng: Rng) -> bytes:
    """Append the content to itself."""
    return content + truncate(content, rng)


def set_number(content: bytes, rng: Rng) -> bytes:
    """Write a number that headers are afraid of somewhere, most often at the start."""
    size = pick(rng, (1, 2, 4, 8))
    if len(content) < size:
        return content
    end = min(len(content), 512) if rng.integers(4) else len(content)
    start = int(rng.integers(end - size + 1))
    number = pick(rng, NUMBERS) % 256**size
    order = pick(rng, ("little", "big"))
    return content[:start] + number.to_bytes(size, order) + content[start + size :]


BYTE_MUTATIONS: tuple[Callable[[bytes, Rng], bytes], ...] = (
    *(truncate, flip_bits, splice, overwrite, insert, delete, repeat, set_number),
)


def mutate_bytes(content: bytes, rng: Rng) -> bytes:
    """Damage a file without knowing what it is."""
    for _ in range(int(rng.integers(1, 4))):
        content = pick(rng, BYTE_MUTATIONS)(content, rng)
    return content
