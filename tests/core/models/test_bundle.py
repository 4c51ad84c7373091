from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.errors import ModelError, OutputError, SettingsError
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models import bundle as bundles
from napari_unet_nuclei.core.models.bundle import (
    ModelBundle,
    ModelConfig,
    check_suffix,
    read_bundle,
    read_config,
    to_half_precision,
    write_bundle,
)
from napari_unet_nuclei.core.settings.choices import Architecture

if TYPE_CHECKING:
    from pathlib import Path

rng = np.random.default_rng(0)
CONFIG = ModelConfig(
    architecture=Architecture.CLASSIC,
    arguments={"widths": [4, 8]},
    multiple=4,
    margin=22,
    splitting=SplittingParameters(threshold=0.45, seed_threshold=0.3),
    diameter=14.5,
    provenance={"seed": 3, "scores": {"dsb2018": 0.5}, "train": ["a", "b"]},
)
BUNDLE = ModelBundle(
    name="nuclei",
    config=CONFIG,
    weights={
        "conv/kernel": rng.normal(size=(3, 3, 3, 4)).astype(np.float32),
        "conv/bias": np.array([1e-9, 1, -2, 3], np.float32),
    },
    openvino=(b"<xml/>", bytes(range(256))),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "nuclei.unetnuclei"
    write_bundle(path, BUNDLE)
    return path


def assert_same(actual: ModelBundle, expected: ModelBundle) -> None:
    assert actual.config == expected.config
    assert actual.openvino == expected.openvino
    assert actual.weights.keys() == expected.weights.keys()
    for name, value in to_half_precision(expected.weights).items():
        assert actual.weights[name].dtype == value.dtype
        np.testing.assert_array_equal(actual.weights[name], value)


def forge(path: Path, *, compression: int = zipfile.ZIP_STORED, **changes: Any) -> None:
    """Write a bundle whose sums are right and whose configuration is not.

    ``members`` replaces members, other keywords replace entries of the
    configuration; ``None`` removes either.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members.pop("model.json"))
    members |= changes.pop("members", {})
    members = {name: content for name, content in members.items() if content}
    config["sha256"] = {
        name: hashlib.sha256(content).hexdigest() for name, content in members.items()
    }
    config |= changes
    config = {name: value for name, value in config.items() if value is not None}
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("model.json", json.dumps(config))
        for name, content in members.items():
            archive.writestr(name, content)


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_what_is_written_is_read(path):
    bundle = read_bundle(path)
    assert bundle.name == "nuclei"
    assert_same(bundle, BUNDLE)


def test_the_configuration_is_read_without_the_weights(path):
    assert read_config(path) == BUNDLE.config
    forge(path, members={"weights.npz": b"damaged"})
    assert read_config(path) == BUNDLE.config


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", "{}", '{"format": 1}', '{"format": "x"}', b"\xff"],
)
def test_a_configuration_that_cannot_be_read_is_refused(tmp_path, text):
    path = tmp_path / "foreign.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", text)
    with pytest.raises(ModelError, match=r"foreign\.unetnuclei, which cannot be read"):
        read_config(path)


def test_a_configuration_of_a_later_format_is_not_guessed(path):
    forge(path, format=2)
    with pytest.raises(ModelError, match="written by a newer version"):
        read_config(path)
    with pytest.raises(ModelError, match="No such file"):
        read_config(path.with_name("gone.unetnuclei"))


def test_a_model_in_training_has_no_openvino_form(path):
    write_bundle(path, replace(BUNDLE, openvino=None))
    assert read_bundle(path).openvino is None


def test_a_model_may_know_the_foreground_alone(path):
    one_map = replace(BUNDLE, config=replace(CONFIG, maps=("foreground",)))
    write_bundle(path, one_map)
    assert_same(read_bundle(path), one_map)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"maps": ("distance",)}, "maps must be foreground, boundary, distance"),
        ({"multiple": 0}, "multiple must lie between 1 and 1024 px. Received: 0"),
        ({"margin": 70_000}, "margin must lie between 0 and 65536 px"),
        ({"diameter": -1.0}, "diameter must be a positive number of px"),
        ({"estimated_diameter": 0}, "estimated diameter must be a positive number"),
        *(
            ({"n_symmetries": n}, rf"symmetries must be 1, 2 or 8\. Received: {n!r}")
            for n in (4, 8.0, True, "8", None)
        ),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_is_refused(change, sentence):
    with pytest.raises(SettingsError, match=sentence):
        replace(CONFIG, **change)


def test_a_model_is_named_after_its_file(path):
    renamed = path.rename(path.with_name("my model.v2.unetnuclei"))
    assert read_bundle(renamed).name == "my model.v2"


def test_writing_again_changes_nothing(path):
    again = path.with_name("again.unetnuclei")
    write_bundle(again, read_bundle(path))
    assert_same(read_bundle(again), BUNDLE)


def test_only_kernels_are_rounded():
    weights = to_half_precision(BUNDLE.weights)
    assert weights["conv/kernel"].dtype == np.float16
    np.testing.assert_allclose(
        weights["conv/kernel"], BUNDLE.weights["conv/kernel"], rtol=1e-3
    )
    np.testing.assert_array_equal(weights["conv/bias"], BUNDLE.weights["conv/bias"])


def test_files_are_ordinary_zips(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "model.json"
        config = json.loads(archive.read("model.json"))
    assert config["format"] == 1
    assert config["maps"] == ["foreground", "boundary", "distance"]


@pytest.mark.parametrize("name", ["nuclei", "nuclei.keras", "nuclei.UNETNUCLEI"])
def test_the_suffix_is_fixed(tmp_path, name):
    with pytest.raises(OutputError, match=r"ends in \.unetnuclei.*nuclei"):
        check_suffix(tmp_path / name)
    with pytest.raises(OutputError, match=r"ends in \.unetnuclei.*nuclei"):
        write_bundle(tmp_path / name, BUNDLE)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_named(path):
    with pytest.raises(OutputError, match="no_folder"):
        write_bundle(path / "no_folder" / "a.unetnuclei", BUNDLE)


def test_a_failed_write_keeps_the_old_model(path, monkeypatch):
    splitting = SplittingParameters(threshold=0.9)
    stricter = replace(BUNDLE, config=replace(CONFIG, splitting=splitting))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_bundle(path, stricter)
    assert_same(read_bundle(path), BUNDLE)
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"There is no model at .*gone\.unetnuclei"):
        read_bundle(tmp_path / "gone.unetnuclei")


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"]
)
def test_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "foreign.unetnuclei"
    path.write_bytes(content)
    reason = r"made by this package. Received: .*foreign\.unetnuclei, .*is not a zip"
    with pytest.raises(ModelError, match=reason):
        read_bundle(path)


def test_a_folder_is_no_model(tmp_path):
    folder = tmp_path / "nuclei.unetnuclei"
    folder.mkdir()
    reason = r"made by this package. Received: .*nuclei\.unetnuclei, which is not one"
    with pytest.raises(ModelError, match=reason):
        read_bundle(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '"text"',
        "null",
        "{}",
        '{"format": 1}',
        '{"format": "x", "sha256": {}}',
        '{"format": 1, "sha256": 3}',
        '{"format": 1, "sha256": ["weights.npz"]}',
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_foreign_zips_are_refused(tmp_path, text):
    path = tmp_path / "foreign.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", text)
    with pytest.raises(ModelError, match=r"foreign\.unetnuclei, which is not one or"):
        read_bundle(path)


def test_a_zip_of_something_else_is_refused(tmp_path):
    path = tmp_path / "model.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(
        ModelError, match=r"Received: .*model\.unetnuclei, .*'model\.json'"
    ):
        read_bundle(path)


@pytest.mark.parametrize("config", [{"format": 2}, {"format": 99, "weights": "gone"}])
def test_a_later_format_asks_for_an_update(tmp_path, config):
    path = tmp_path / "later.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", json.dumps(config))
    with pytest.raises(ModelError, match=r"later\.unetnuclei was written by a newer"):
        read_bundle(path)


def test_a_truncated_file_is_refused_wherever_it_ends(path):
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
def test_a_damaged_byte_is_noticed_or_does_no_harm(path, data):
    write_bundle(path, BUNDLE)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        bundle = read_bundle(path)
    except ModelError:
        return
    # The checksum of the configuration itself is that of the zip.
    assert_same(bundle, BUNDLE)


@pytest.mark.parametrize("name", ["weights.npz", "openvino.xml", "openvino.bin"])
def test_a_member_that_was_exchanged_is_refused(path, name):
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
def test_a_model_that_contradicts_itself_is_refused(path, changes):
    forge(path, **changes)
    reason = r"nuclei\.unetnuclei is not complete or not consistent \(.+\);"
    with pytest.raises(ModelError, match=reason):
        read_bundle(path)


def test_a_member_that_is_promised_must_be_there(path):
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


def test_pickles_are_never_loaded(path):
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


def test_a_member_that_claims_to_be_huge_is_not_unpacked(path, monkeypatch):
    monkeypatch.setattr(bundles, "_MAX_BYTES", 100_000)
    forge(
        path,
        members={"openvino.bin": bytes(100_001)},
        compression=zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 10_000
    with pytest.raises(ModelError, match="it unpacks to more than 100,000 bytes"):
        read_bundle(path)


def test_weights_that_claim_to_be_huge_are_not_unpacked(path, monkeypatch):
    monkeypatch.setattr(bundles, "_MAX_BYTES", 100_000)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(20_000), b=np.zeros(20_000))
    forge(path, members={"weights.npz": buffer.getvalue()})
    with pytest.raises(ModelError, match="unpacks to more than 100,000 bytes"):
        read_bundle(path)


def test_a_member_is_unpacked_no_further_than_it_claims(path):
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


def test_unusual_zips_are_refused(path):
    forge(path, compression=zipfile.ZIP_LZMA)
    with pytest.raises(ModelError, match="compressed in an unknown way"):
        read_bundle(path)


def test_encrypted_zips_are_refused(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="encrypted"):
        read_bundle(path)


def test_members_out_of_the_way_are_never_written(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.txt", "x")
    assert_same(read_bundle(path), BUNDLE)
    assert list(path.parent.iterdir()) == [path]


def test_what_no_member_exceeds_may_be_too_much_in_all(path, monkeypatch):
    monkeypatch.setattr(bundles, "_MAX_BYTES", 100_000)
    members = {"openvino.bin": bytes(60_000), "weights.npz": bytes(60_000)}
    forge(path, members=members, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="it unpacks to more than 100,000 bytes"):
        read_bundle(path)


def test_a_configuration_of_many_bytes_is_not_parsed(path, monkeypatch):
    monkeypatch.setattr(bundles, "_MAX_CONFIG_BYTES", 100)
    with pytest.raises(ModelError, match=r"model\.json is larger than 100 bytes"):
        read_bundle(path)


def test_a_crowd_of_members_is_refused(path):
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(100):
            archive.writestr(f"{number}", b"")
    with pytest.raises(ModelError, match="it holds more than 64 files"):
        read_bundle(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(path):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model.json", b"{}")
    with pytest.raises(ModelError, match="it holds two files of one name"):
        read_bundle(path)


def test_arrays_that_lie_about_their_size_make_no_room_for_it(path):
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
def test_numbers_that_would_build_a_monster_are_refused(path, change):
    forge(path, **change)
    with pytest.raises(ModelError, match=r"not consistent|damaged"):
        read_bundle(path)
