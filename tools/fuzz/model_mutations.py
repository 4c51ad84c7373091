"""Tables, models and the graphs in these, damaged by one who knows them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from typing import Any

import numpy as np
from byte_mutations import (
    NUMBERS,
    WORDS,
    Rng,
    mutate_bytes,
    pick,
)

LEAVES = (None, True, -1, 0, 1, 2**63, 1e308, float("nan"), "", "x", [], {}, [[]], "4")


def mutate_csv(content: bytes, rng: Rng) -> bytes:
    """Damage a table of run lengths, as text or as bytes."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    if not rng.integers(3):
        return mutate_bytes(content, rng)
    for _ in range(int(rng.integers(1, 4))):
        row = int(rng.integers(len(rows)))
        column = int(rng.integers(len(rows[row]))) if rows[row] else 0
        match int(rng.integers(8)):
            case 0:
                rows[row] = rows[row][:column]
            case 1:
                rows[row] = rows[row] + ["7 7", ""]
            case 2:
                rows.insert(row, list(pick(rng, rows)))
            case 3 if rows[row]:
                numbers = rows[row][column].split()
                odd = (*NUMBERS, -1, "1e3", "x", "٣", "1" * 5000, 10**30, "")
                numbers.insert(int(rng.integers(len(numbers) + 1)), str(pick(rng, odd)))
                rows[row][column] = " ".join(numbers)
            case 4 if rows[row]:
                rows[row][column] = pick(
                    rng, (*WORDS, "\0", "\n", '"', "1 2 " * 50_000)
                )
            case 5:
                rows[0], rows[row] = rows[row], rows[0]
            case 6:
                rows = [line[::-1] for line in rows]
            case _:
                rows = rows[: row + 1]
    text = io.StringIO()
    csv.writer(text, lineterminator=pick(rng, ("\n", "\r\n", "\r"))).writerows(rows)
    encoding = pick(rng, ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
    return text.getvalue().encode(encoding, "replace")


def mutate_bundle(content: bytes, rng: Rng) -> bytes:
    """Damage a model: as bytes, or inside, with checksums that are right."""
    if rng.integers(2):
        return mutate_bytes(content, rng)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        files = {name: file.read(name) for name in file.namelist()}
    config = json.loads(files.pop("model.json"))
    match int(rng.integers(5)):
        case 0:
            names = sorted(files)
            name, other = pick(rng, names), pick(rng, names)
            files[name], files[other] = files[other], files[name]
        case 1:
            del files[pick(rng, sorted(files))]
        case 2:
            files["weights.npz"] = _mutate_weights(files["weights.npz"], rng)
        case _:
            _mutate_json(config, rng)
    if isinstance(config, dict) and rng.integers(4):
        config["sha256"] = {
            name: hashlib.sha256(each).hexdigest() for name, each in files.items()
        }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.json", json.dumps(config))
        for name, each in files.items():
            file.writestr(name, each)
    return buffer.getvalue()


def _mutate_json(config: dict[str, Any], rng: Rng) -> None:
    """Give an entry, at any depth, a value it was not meant to have."""
    for _ in range(int(rng.integers(1, 4))):
        node: Any = config
        while True:
            if not node:
                break
            key = pick(rng, node if isinstance(node, dict) else range(len(node)))
            deeper = isinstance(node[key], (dict, list)) and node[key]
            if deeper and rng.integers(3):
                node = node[key]
                continue
            if isinstance(node, dict) and not rng.integers(4):
                del node[key]
            else:
                node[key] = pick(rng, LEAVES)
            break


def _mutate_weights(content: bytes, rng: Rng) -> bytes:
    """Change an array of the weights, or the header that describes it."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        arrays = {name: file.read(name) for name in file.namelist()}
    name = pick(rng, sorted(arrays))
    shapes = (b"(99999999999,)", b"(-1,)", b"()", b"(3, 'x')", b"(2, 3)")
    kinds = (b"'|O'", b"'<f8'", b"'<U9'", b"'<i4'", b"'<c16'", b"[('a','<f4')]")
    array = arrays[name]
    match int(rng.integers(3)):
        case 0:
            start, stop = array.find(b"'shape': ") + 9, array.find(b"), }") + 1
            array = array[:start] + pick(rng, shapes) + array[stop:]
        case 1:
            start, stop = array.find(b"'descr': ") + 9, array.find(b", 'fortran")
            array = array[:start] + pick(rng, kinds) + array[stop:]
        case _:
            array = mutate_bytes(array, rng)
    arrays[name] = array
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for each, stored in arrays.items():
            file.writestr(each, stored)
    return buffer.getvalue()


OPERATIONS = ("Loop", "If", "TensorIterator", "Broadcast", "RandomUniform", "Range")
OPERATIONS += ("NonZero", "ReadValue", "Assign", "Bucketize", "LSTMSequence", "X")
_ENTITIES = (
    b'<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
)
_NUMBERS = ("0", "-1", "1", "3", "65536", "2147483647", "9223372036854775807", "1e9")


def mutate_graph(xml: bytes, weights: bytes, rng: Rng) -> tuple[bytes, bytes]:
    """Make of OpenVINO's form of a network another one, or none."""
    text = xml.decode()
    for _ in range(int(rng.integers(1, 4))):
        match int(rng.integers(8)):
            case 0:
                text = _replace_one(text, r'type="[A-Z]\w+"', rng, OPERATIONS, "type")
            case 1:
                text = _replace_one(text, r'shape="[^"]*"', rng, _NUMBERS, "shape")
            case 2:
                name = pick(rng, ("offset", "size", "strides", "dilations", "id"))
                text = _replace_one(text, rf'{name}="[^"]*"', rng, _NUMBERS, name)
            case 3:
                text = _replace_one(text, r"<dim>[^<]*</dim>", rng, _NUMBERS, None)
            case 4:  # a ring, or an edge from nowhere
                name = pick(rng, ("from-layer", "to-layer", "from-port", "to-port"))
                text = _replace_one(text, rf'{name}="[^"]*"', rng, _NUMBERS, name)
            case 5:  # lists of sizes are constants of integers
                content = np.frombuffer(weights, np.uint8).copy()
                start = int(rng.integers(max(1, content.size - 8)))
                content[start : start + 8] = rng.integers(0, 256, 8)
                weights = content.tobytes()
            case 6:
                start = int(rng.integers(len(text)))
                text = text[:start] + _ENTITIES.decode() + text[start:]
            case _:
                mutated = mutate_bytes(text.encode(), rng)
                text = mutated.decode(errors="replace")
    return text.encode(), weights


def _replace_one(
    text: str, pattern: str, rng: Rng, values: Any, name: str | None
) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    place, value = pick(rng, found), pick(rng, values)
    new = f"<dim>{value}</dim>" if name is None else f'{name}="{value}"'
    return text[: place.start()] + new + text[place.end() :]
