from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.errors import ModelError
from napari_unet_nuclei.core.models.bundle import (
    BundleLimits,
    read_bundle,
    write_bundle,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.models.bundle import ModelBundle


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_a_truncated_file_is_refused_wherever_it_ends(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError, match=r"nuclei\.unetnuclei, .*or is damaged \("):
            read_bundle(path)


@given(data=st.data())
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_damaged_byte_is_noticed_or_does_no_harm(
    path: Path, data: Any, bundle: ModelBundle, assert_same: Callable[..., Any]
) -> None:
    write_bundle(path, bundle)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        read = read_bundle(path)
    except ModelError:
        return
    # The checksum of the configuration itself is that of the zip.
    assert_same(read, bundle)


@pytest.mark.parametrize("name", ["weights.npz", "openvino.xml", "openvino.bin"])
def test_a_member_that_was_exchanged_is_refused(
    path: Path, name: str, forge: Callable[..., Any]
) -> None:
    sums = {
        name: hashlib.sha256(b"other").hexdigest()
        for name in ("weights.npz", "openvino.xml", "openvino.bin")
    }
    right = json.loads(zipfile.ZipFile(path).read("model.json"))["sha256"]
    forge(path, sha256={**right, name: sums[name]})
    with pytest.raises(ModelError, match=rf"nuclei\.unetnuclei is .*sum of {name}"):
        read_bundle(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"members": {"weights.npz": None}},
        {"members": {"openvino.bin": None}},
        {"members": {"weights.npz": b"junk"}},
        {"members": {"weights.npz": b"PK\x03\x04 cut off"}},
        {"members": {"weights.npz": npz(a=np.array(["text"]))}},
        {"members": {"weights.npz": npz(a=np.array([1, 2]))}},
        {"architecture": "vgg"},
        {"architecture": None},
        {"maps": 3},
        {"maps": []},
        {"maps": ["boundary"]},
        {"maps": ["foreground", "boundary"]},
        {"splitting": {"threshold": 0.5, "sigma": 1}},
        {"splitting": {"threshold": 7}},
        {"splitting": {"threshold": "high"}},
        {"splitting": None},
        {"multiple": 0},
        {"multiple": 10**9},
        {"stride": 4},  # beside ``multiple``, as files call it
        {"multiple": "4"},
        {"margin": -1},
        {"margin": 10**9},
        {"diameter": 0},
        {"diameter": float("nan")},
        {"diameter": float("inf")},
        {"diameter": None},
        {"arguments": None},
        {"arguments": [1, 2]},
        {"provenance": "a laboratory"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_model_that_contradicts_itself_is_refused(
    path: Path, changes: dict[str, Any], forge: Callable[..., Any]
) -> None:
    forge(path, **changes)
    reason = r"nuclei\.unetnuclei is not complete or not consistent \(.+\);"
    with pytest.raises(ModelError, match=reason):
        read_bundle(path)


def test_a_member_that_is_promised_must_be_there(
    path: Path, forge: Callable[..., Any]
) -> None:
    sums = {"weights.npz": "", "openvino.xml": ""}
    forge(path, members={"openvino.xml": None, "openvino.bin": None}, sha256=sums)
    with pytest.raises(ModelError, match=r"no item named 'openvino\.xml'"):
        read_bundle(path)


class Explosive:
    """Its pickle makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self.path).touch, (self.path,)


def test_pickles_are_never_loaded(path: Path, forge: Callable[..., Any]) -> None:
    trace = path.with_name("executed")
    content = npz(**{"conv/kernel": np.array([Explosive(trace)], object)})
    with np.load(io.BytesIO(content), allow_pickle=True) as file:
        dict(file)
    assert trace.exists()
    trace.unlink()
    forge(path, members={"weights.npz": content})
    with pytest.raises(ModelError, match="does not hold real numbers only"):
        read_bundle(path)
    assert not trace.exists()


def test_a_member_that_claims_to_be_huge_is_not_unpacked(
    path: Path, forge: Callable[..., Any]
) -> None:
    limits = BundleLimits(max_bytes=100_000)
    forge(
        path,
        members={"openvino.bin": bytes(100_001)},
        compression=zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 10_000
    with pytest.raises(ModelError, match="it unpacks to more than 100,000 bytes"):
        read_bundle(path, limits=limits)


def test_weights_that_claim_to_be_huge_are_not_unpacked(
    path: Path, forge: Callable[..., Any]
) -> None:
    limits = BundleLimits(max_bytes=100_000)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(20_000), b=np.zeros(20_000))
    forge(path, members={"weights.npz": buffer.getvalue()})
    with pytest.raises(ModelError, match="unpacks to more than 100,000 bytes"):
        read_bundle(path, limits=limits)


def test_a_member_is_unpacked_no_further_than_it_claims(path: Path) -> None:
    """64 MiB of zeros behind headers that speak of ten bytes."""
    n_bytes = 1 << 26
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", bytes(n_bytes))
    content = path.read_bytes()
    claim, truth = ((size).to_bytes(4, "little") for size in (10, n_bytes))
    assert content.count(truth) == 2
    path.write_bytes(content.replace(truth, claim))
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match="is not one or is damaged"):
            read_bundle(path)
        assert tracemalloc.get_traced_memory()[1] < n_bytes / 10
    finally:
        tracemalloc.stop()


def test_unusual_zips_are_refused(path: Path, forge: Callable[..., Any]) -> None:
    forge(path, compression=zipfile.ZIP_LZMA)
    with pytest.raises(ModelError, match="compressed in an unknown way"):
        read_bundle(path)


def test_encrypted_zips_are_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="encrypted"):
        read_bundle(path)


def test_members_out_of_the_way_are_never_written(
    path: Path, bundle: ModelBundle, assert_same: Callable[..., Any]
) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.txt", "x")
    assert_same(read_bundle(path), bundle)
    assert list(path.parent.iterdir()) == [path]


def test_what_no_member_exceeds_may_be_too_much_in_all(
    path: Path, forge: Callable[..., Any]
) -> None:
    limits = BundleLimits(max_bytes=100_000)
    members = {"openvino.bin": bytes(60_000), "weights.npz": bytes(60_000)}
    forge(path, members=members, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="it unpacks to more than 100,000 bytes"):
        read_bundle(path, limits=limits)


def test_a_configuration_of_many_bytes_is_not_parsed(path: Path) -> None:
    limits = BundleLimits(max_config_bytes=100)
    with pytest.raises(ModelError, match=r"model\.json is larger than 100 bytes"):
        read_bundle(path, limits=limits)


def test_a_crowd_of_members_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(100):
            archive.writestr(f"{number}", b"")
    with pytest.raises(ModelError, match="it holds more than 64 files"):
        read_bundle(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model.json", b"{}")
    with pytest.raises(ModelError, match="it holds two files of one name"):
        read_bundle(path)


def test_arrays_that_lie_about_their_size_make_no_room_for_it(
    path: Path, forge: Callable[..., Any]
) -> None:
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**5, 10**5)}
    np.lib.format.write_array_header_1_0(buffer, header)
    weights = io.BytesIO()
    with zipfile.ZipFile(weights, "w") as archive:
        archive.writestr("conv/kernel.npy", buffer.getvalue() + bytes(100))
    forge(path, members={"weights.npz": weights.getvalue()})
    with pytest.raises(ModelError, match="arrays of another size than they say"):
        read_bundle(path)


@pytest.mark.parametrize(
    "change",
    [
        {"multiple": True},
        {"multiple": 16.0},
        {"multiple": "16"},
        {"margin": 10**30},
        {"diameter": True},
        {"diameter": "20"},
        {"diameter": 1e300},
        {"diameter": float("nan")},
        {"estimated_diameter": [20]},
        {"arguments": {"widths": [10**9]}},
        {"arguments": {"widths": [8192] * 4}},
        {"arguments": {"widths": [4] * 1000}},
        {"arguments": {"widths": 4}},
        {"arguments": {"widths": [True]}},
        {"arguments": {"encoder_convolutions": 10**6}},
        {"arguments": {"encoder_blocks": [1, 10**6]}},
        {"arguments": {"members": [{"arguments": {"widths": [8192] * 4}}]}},
        {"arguments": {"dropout": float("inf")}},
        {"arguments": {"layers": [[[[[[[[[[1]]]]]]]]]]}},
        {"arguments": {"name": "a" * 1000}},
        {"arguments": {"n_maps": 10**9}},
    ],
)
def test_numbers_that_would_build_a_monster_are_refused(
    path: Path, change: dict[str, Any], forge: Callable[..., Any]
) -> None:
    forge(path, **change)
    with pytest.raises(ModelError, match=r"not consistent|damaged"):
        read_bundle(path)
