"""Ways to damage files and folders, drawn at random: what ``fuzz.py`` feeds readers.

Everything follows from the random generator that is handed in, so that a case can
be made again.  A folder is a dict of names to contents until it is written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Rng = np.random.Generator
Tree = dict[str, bytes]

NUMBERS = (0, 1, 2, 7, 255, 256, 60_000, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
SUFFIXES = ("png", "PNG", "tif", "tiff", "jpg", "bmp", "gif", "txt", "zip", "npy", "")
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
NAMES = (
    *("caf\udce9", "\x1b[31mred\x1b[0m", "two\nlines", "tab\there", "\u202egnp.x"),
    *("n" * 251, "核" * 83, "CON", "NUL.a", "-rf", "--help", "[red]a[/red]", "[b"),
    *("a b ", "%s", "{0}", "'\"", "a;b", "$HOME", "*", "?", "e\u0301", "x.", "#"),
)
"""Names of files, most of which a terminal, a shell or another system cannot show."""
LEAVES = (None, True, -1, 0, 1, 2**63, 1e308, float("nan"), "", "x", [], {}, [[]], "4")


def pick(rng: Rng, items: Any) -> Any:
    """Choose one of some items."""
    items = list(items)
    return items[int(rng.integers(len(items)))]


# Bytes ------------------------------------------------------------------------------


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


# Images -----------------------------------------------------------------------------


def mutate_png(content: bytes, rng: Rng) -> bytes:
    """Damage a PNG whose checksums stay right."""
    chunks = []
    place = 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        chunks.append(content[place + 4 : place + 8 + length])
        place += 12 + length
    number = int(rng.integers(len(chunks)))
    match int(rng.integers(5)):
        case 0:  # width, height, bits, kind of colour, interlacing
            header = bytearray(chunks[0])
            if rng.integers(2):
                side = pick(rng, (*NUMBERS, 8, 30, 70, 200))
                struct.pack_into(">I", header, 4 * int(rng.integers(1, 3)), side)
            else:
                header[int(rng.integers(12, 17))] = int(rng.integers(17))
            chunks[0] = bytes(header)
        case 1:
            del chunks[number]
        case 2:
            chunks.insert(int(rng.integers(len(chunks) + 1)), chunks[number])
        case 3:
            chunks[number] = chunks[number][:4] + mutate_bytes(chunks[number][4:], rng)
        case _:  # pixels that fit together and not into the image
            raw = zlib.compress(rng.bytes(int(rng.integers(9000))))
            chunks = [b"IDAT" + raw if c[:4] == b"IDAT" else c for c in chunks]
    return content[:8] + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
        if len(chunk) >= 4
    )


def mutate_tiff(content: bytes, rng: Rng) -> bytes:
    """Change what the header of a TIFF says, in its first page or, rarely, beyond."""
    if content[:4] != b"II*\0":
        return set_number(content, rng)
    changed = bytearray(content)
    (page,) = struct.unpack_from("<I", content, 4)
    (n_tags,) = struct.unpack_from("<H", content, page)
    for _ in range(int(rng.integers(1, 4))):
        tag = page + 2 + 12 * int(rng.integers(n_tags + 1))
        match int(rng.integers(5)):
            case 0:  # another code, of those that matter
                code = pick(
                    rng, (254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 284)
                )
                struct.pack_into("<H", changed, tag, code)
            case 1:
                struct.pack_into("<H", changed, tag + 2, int(rng.integers(20)))
            case 2:
                struct.pack_into("<I", changed, tag + 4, pick(rng, NUMBERS))
            case 3:
                values = (*NUMBERS, len(content), len(content) - 1, page, 9, 33, 300)
                struct.pack_into("<I", changed, tag + 8, pick(rng, values))
            case _:
                kinds = (1, 2, 4, 5, 6, 7, 8, 32773, 32946, 34712, 50000)
                struct.pack_into("<I", changed, tag + 8, pick(rng, kinds))
    return bytes(changed)


def mutate_jpeg(content: bytes, rng: Rng) -> bytes:
    """Cut a JPEG off, put its end back, or change what its markers say."""
    if content[:2] != b"\xff\xd8":
        return mutate_bytes(content, rng)
    changed = bytearray(content)
    frame = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
    match int(rng.integers(5)):
        case 0:
            return truncate(content, rng) + pick(rng, (b"", b"\xff\xd9"))
        case 1:  # height, width
            side = pick(rng, (1, 9, 200, 800, 13_000, 30_000, 65_535))
            struct.pack_into(">H", changed, frame + pick(rng, (5, 7)), side)
        case 2:  # precision, components, sampling
            place = frame + pick(rng, (4, 9, 10, 11, 12))
            changed[place] = int(rng.integers(256))
        case 3:  # kind of coding
            changed[frame + 1] = 0xC0 + int(rng.integers(16))
        case _:  # markers in the midst of the pixels
            place = int(rng.integers(len(content) // 2, len(content)))
            marker = bytes((0xFF, 0xD0 + int(rng.integers(16))))
            changed[place:place] = marker
    return bytes(changed)


# Folders and zips -------------------------------------------------------------------


def mutate_tree(tree: Tree, rng: Rng) -> Tree:
    """Damage the files of a data set, their names, or how they belong together."""
    tree = dict(tree)
    for _ in range(int(rng.integers(1, 4))):
        names = sorted(tree)
        if not names:
            return tree
        name, other = pick(rng, names), pick(rng, names)
        parts = name.split("/")
        match int(rng.integers(12)):
            case 0:
                tree[name] = mutate_bytes(tree[name], rng)
            case 1:
                mutate = mutate_png if tree[name][:4] == b"\x89PNG" else mutate_tiff
                tree[name] = mutate(tree[name], rng)
            case 2:
                del tree[name]
            case 3:
                tree[name], tree[other] = tree[other], tree[name]
            case 4:  # another name for a file or for a folder above it
                parts[int(rng.integers(len(parts)))] = pick(rng, WORDS)
                tree["/".join(parts)] = tree.pop(name)
            case 5:
                suffix = pick(rng, SUFFIXES)
                tree[str(PurePosixPath(name).with_suffix("")) + f".{suffix}"] = (
                    tree.pop(name)
                )
            case 6:
                copy = str(PurePosixPath(name).with_name(f"copy of {parts[-1]}"))
                tree[copy] = tree[other]
            case 7:  # one folder deeper
                tree = {f"{pick(rng, WORDS)}/{each}": tree[each] for each in names}
            case 8:  # one folder up
                tree = {each.partition("/")[2] or each: tree[each] for each in names}
            case 9:
                folder = name.rpartition("/")[0]
                tree = {
                    each: content
                    for each, content in tree.items()
                    if not each.startswith(f"{folder}/")
                }
            case 10:
                tree[name] = pick(
                    rng, (b"", b"Dear colleague", b"\0" * 99, tree[other])
                )
            case _:
                tree[
                    name.replace("images", pick(rng, ("Images", "masks", "image")))
                ] = tree.pop(name)
    return tree


def write_folder(tree: Tree, folder: Path, rng: Rng) -> Path:
    """Write a tree, as far as a file system can hold it; a few files become odd."""
    folder.mkdir(parents=True)
    for name, content in tree.items():
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        path = folder.joinpath(*parts) if parts else folder / "x"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            match int(rng.integers(150)):
                case 0:
                    path.mkdir()
                case 1:
                    path.symlink_to(path.name)
                case 2:
                    os.mkfifo(path)
                case _:
                    path.write_bytes(content)
        except OSError:  # a name that is taken, or too long
            continue
    return folder


def rename_oddly(tree: Tree, rng: Rng) -> Tree:
    """Give the samples ``a``, ``b`` and ``c`` names that few programs expect."""
    names = {each: pick(rng, NAMES) for each in "abc"}
    renamed = {}
    for name, content in tree.items():
        parts = name.split("/")
        for number, part in enumerate(parts):
            stem, dot, suffix = part.partition(".")
            if stem in names:
                odd = names[stem] if not dot else names[stem][:247]
                parts[number] = f"{odd}{dot}{suffix}"
        renamed["/".join(parts)] = content
    return renamed


def make_special(path: Path, rng: Rng) -> None:
    """Make a pipe, or a link to a device, to nothing or to itself."""
    kind = int(rng.integers(5))
    if kind < 2:
        os.mkfifo(path)
    else:
        path.symlink_to(("/dev/zero", "/dev/null", path.name)[kind - 2])


def put_specials(folder: Path, rng: Rng) -> None:
    """Put such things in place of some files of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(int(rng.integers(1, 4))):
        path = pick(rng, files)
        path.unlink(missing_ok=True)
        if not path.is_symlink():
            make_special(path, rng)


def write_zip(tree: Tree, path: Path, rng: Rng) -> Path:
    """Pack a tree; half of the zips are damaged as such, too."""
    buffer = io.BytesIO()
    kinds = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED)
    kind = pick(rng, (*kinds, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(buffer, "w", kind) as file:
        prefix = pick(rng, ("", "", "", "stage1_train/", "../", "/", "a\\"))
        for name, content in tree.items():
            file.writestr(prefix + name, content)
    content = buffer.getvalue()
    match int(rng.integers(6)):
        case 0:
            content = mutate_bytes(content, rng)
        case 1:
            content = _mutate_directory(content, rng)
        case 2:
            nested = io.BytesIO()
            with zipfile.ZipFile(nested, "w") as file:
                file.writestr("a/images/a.png", content)
                file.writestr("a/masks/a.zip", content)
            content = nested.getvalue()
    path.write_bytes(content)
    return path


def _mutate_directory(content: bytes, rng: Rng) -> bytes:
    """Change what the directory of a zip says: flags, kinds, sums, sizes, places."""
    changed = bytearray(content)
    entries = []
    place = content.find(b"PK\1\2")
    while place >= 0:
        entries.append(place)
        place = content.find(b"PK\1\2", place + 1)
    for _ in range(int(rng.integers(1, 4)) if entries else 0):
        field, size = pick(
            rng, ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (42, 4))
        )
        number = pick(rng, (*NUMBERS, 8, 9, 12, 14, 99)) % 256**size
        start = pick(rng, entries) + field
        changed[start : start + size] = number.to_bytes(size, "little")
    return bytes(changed)


# Tables and models ------------------------------------------------------------------


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
        members = {name: file.read(name) for name in file.namelist()}
    config = json.loads(members.pop("model.json"))
    match int(rng.integers(5)):
        case 0:
            names = sorted(members)
            name, other = pick(rng, names), pick(rng, names)
            members[name], members[other] = members[other], members[name]
        case 1:
            del members[pick(rng, sorted(members))]
        case 2:
            members["weights.npz"] = _mutate_weights(members["weights.npz"], rng)
        case _:
            _mutate_json(config, rng)
    if isinstance(config, dict) and rng.integers(4):
        config["sha256"] = {
            name: hashlib.sha256(each).hexdigest() for name, each in members.items()
        }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.json", json.dumps(config))
        for name, each in members.items():
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


# Graphs -----------------------------------------------------------------------------

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
