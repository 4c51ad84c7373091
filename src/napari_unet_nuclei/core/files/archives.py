"""Members of zips that may come from anybody, read into memory and nowhere else.

What the members mean is the business of ``bundles`` and ``keras_files``.
"""

from __future__ import annotations

import zipfile


def check_members(
    archive: zipfile.ZipFile, *, max_bytes: int, max_members: int
) -> None:
    """Refuse a zip that says it holds too much, before any of it is unpacked.

    Parameters
    ----------
    archive : ZipFile
        Open zip.
    max_bytes : int
        Size of all members, unpacked.
    max_members : int
        Number of members.

    Raises
    ------
    ValueError
        If there is more, or a name occurs twice.
    """
    members = archive.infolist()
    if len(members) > max_members:
        raise ValueError(f"it holds more than {max_members:,} files")
    if sum(info.file_size for info in members) > max_bytes:
        raise ValueError(f"it unpacks to more than {max_bytes:,} bytes")
    if len({info.filename for info in members}) < len(members):
        raise ValueError("it holds two files of one name")


def read_member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """Unpack a member, no further than it claims.

    Parameters
    ----------
    archive : ZipFile
        Open zip.
    name : str
        Name of the member.
    max_bytes : int
        Largest size that is unpacked.

    Returns
    -------
    bytes
        Content of the member.

    Raises
    ------
    KeyError
        If there is no such member.
    ValueError
        If it is larger than that, or compressed in an unusual way.
    """
    info = archive.getinfo(name)
    if info.file_size > max_bytes:
        raise ValueError(f"{name} is larger than {max_bytes:,} bytes")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in an unknown way")
    with archive.open(info) as file:
        # No more than it claims: a stream can unpack to far more.
        return file.read(info.file_size)
