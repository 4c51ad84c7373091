"""PNGs, TIFFs and JPEGs, damaged by one who knows them."""

from __future__ import annotations

import struct
import zlib

from byte_mutations import (
    NUMBERS,
    Rng,
    mutate_bytes,
    pick,
    set_number,
    truncate,
)


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
