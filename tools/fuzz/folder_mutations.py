"""Folders and zips, damaged at random; a folder is a dict until it is written."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path, PurePosixPath

from byte_mutations import (
    NUMBERS,
    WORDS,
    Rng,
    mutate_bytes,
    pick,
)
from image_mutations import mutate_png, mutate_tiff

Tree = dict[str, bytes]

SUFFIXES = ("png", "PNG", "tif", "tiff", "jpg", "bmp", "gif", "txt", "zip", "npy", "")
NAMES = (
    *("caf\udce9", "\x1b[31mred\x1b[0m", "two\nlines", "tab\there", "\u202egnp.x"),
    *("n" * 251, "核" * 83, "CON", "NUL.a", "-rf", "--help", "[red]a[/red]", "[b"),
    *("a b ", "%s", "{0}", "'\"", "a;b", "$HOME", "*", "?", "e\u0301", "x.", "#"),
)
"""Names of files, most of which a terminal, a shell or another system cannot show."""


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
