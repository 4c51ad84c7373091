from __future__ import annotations

import contextlib
import io
import json
import pickle
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_unet_nuclei.core.conversion import keras_files
from napari_unet_nuclei.core.conversion.keras_files import read_keras_file
from napari_unet_nuclei.core.conversion.keras_parsing import (
    KerasFileLimits,
    parse_keras_file,
)
from napari_unet_nuclei.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.conversion.keras_parsing import KerasFile

rng = np.random.default_rng(0)
KERNELS = [rng.normal(size=(3, 3, 3, 4)).astype("f4") for _ in range(3)]
BIASES = [rng.normal(size=4).astype("f4") for _ in range(3)]
LAYERS = {
    "image": ("InputLayer", ()),
    "one": ("Conv2D", (KERNELS[0], BIASES[0])),
    "drop": ("Dropout", ()),
    "two": ("Conv2D", (KERNELS[1], BIASES[1])),
    "up": ("Conv2DTranspose", (KERNELS[2], BIASES[2])),
}
CONFIG = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": kind, "config": {"name": name}}
            for name, (kind, _) in LAYERS.items()
        ]
    },
}
GROUPS = {"one": "conv2d", "two": "conv2d_1", "up": "conv2d_transpose"}


def write_hdf5(path: Path) -> Path:
    """Write a network as Keras 2 did: JSON and names as bytes, arrays in groups."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(CONFIG).encode()
        file.attrs["training_config"] = b'{"metrics": ["mean_iou"]}'
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [name.encode() for name in LAYERS]
        for name, (_, arrays) in LAYERS.items():
            group = root.create_group(name)
            names = [f"{name}/{part}:0" for part in ("kernel", "bias")][: len(arrays)]
            group.attrs["weight_names"] = [each.encode() for each in names]
            for each, array in zip(names, arrays, strict=True):
                group[each] = array
    return path


def weights_hdf5(root: str = "layers") -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, group in GROUPS.items():
            for number, array in enumerate(LAYERS[name][1]):
                file[f"{root}/{group}/vars/{number}"] = array
        file.create_group(f"{root}/dropout/vars")
    return buffer.getvalue()


def write_zip(path: Path, **changes: Any) -> Path:
    """Write a network as Keras 3 does; ``changes`` replaces members."""
    members = {
        "metadata.json": "{}",
        "config.json": json.dumps(CONFIG),
        "model.weights.h5": weights_hdf5(),
        **changes,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(params=[write_hdf5, write_zip], ids=["HDF5", "zip"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write: Callable[[Path], Path] = request.param
    # What a file is does not depend on what it is called.
    return write(tmp_path / "unet.model")


@pytest.fixture(scope="module")
def whole_zip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_zip(tmp_path_factory.mktemp("whole") / "a.keras").read_bytes()


def assert_whole(path: Path, read: Callable[[Path], KerasFile]) -> None:
    file = read(path)
    assert file.config == CONFIG
    for name, (_, arrays) in LAYERS.items():
        found = file.weights.get(name, ())
        assert len(found) == len(arrays)
        for one, other in zip(found, arrays, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("read", [read_keras_file, parse_keras_file])
def test_networks_are_read_with_their_weights(path: Any, read: Any) -> None:
    assert_whole(path, read)


def test_what_the_first_zips_called_layers_is_known(tmp_path: Path) -> None:
    weights = weights_hdf5("_layer_checkpoint_dependencies")
    path = write_zip(tmp_path / "a.keras", **{"model.weights.h5": weights})
    assert_whole(path, parse_keras_file)


def test_long_lists_of_names_are_joined(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        root = file["model_weights"]
        names = list(root.attrs["layer_names"])
        del root.attrs["layer_names"]
        root.attrs["layer_names0"], root.attrs["layer_names1"] = names[:2], names[2:]
    assert_whole(path, parse_keras_file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.h5 \(No such file"):
        read_keras_file(tmp_path / "gone.h5")
    with pytest.raises(ModelError, match=r"Is a directory|Permission denied"):
        read_keras_file(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"text", b"\x89PNG\r\n\x1a\n", pickle.dumps({"a": 1})]
)
def test_other_files_are_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "unet.h5"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"Received: .*unet\.h5, which is neither"):
        read_keras_file(path)


def test_huge_files_are_not_read(path: Any) -> None:
    limits = KerasFileLimits(max_file_bytes=1000)
    with pytest.raises(
        ModelError, match=r"at most 1,000 bytes.*unet\.model, which has"
    ):
        read_keras_file(path, limits)


def test_limits_hold_across_processes(path: Any) -> None:
    limits = KerasFileLimits(max_weight_bytes=1000)
    with pytest.raises(ModelError, match="the weights exceed 1,000 bytes"):
        read_keras_file(path, limits)


def test_weights_alone_are_refused(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "weights.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["model_config"]
    with pytest.raises(ModelError, match=r"weights\.h5, which holds weights only"):
        parse_keras_file(path)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, member: Any) -> None:
    limits = KerasFileLimits(max_config_bytes=100_000, max_file_bytes=100_000)
    path = write_zip(tmp_path / "a.keras", **{member: bytes(100_001)})
    with pytest.raises(ModelError, match=f"{member} is larger than 100,000 bytes"):
        parse_keras_file(path, limits)


def test_weights_that_unpack_to_too_much_are_refused(path: Any) -> None:
    limits = KerasFileLimits(max_weight_bytes=1000)
    with pytest.raises(ModelError, match="the weights exceed 1,000 bytes"):
        parse_keras_file(path, limits)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b"[" * 100_000])
def test_damaged_members_are_refused(tmp_path: Path, member: Any, content: Any) -> None:
    path = write_zip(tmp_path / "a.keras", **{member: content})
    with pytest.raises(ModelError, match=r"a\.keras, which is damaged or none"):
        parse_keras_file(path)


@pytest.mark.parametrize("config", ["3", "[]", "{}", '{"config": {"layers": [1]}}'])
def test_a_zip_that_describes_nothing_is_refused(tmp_path: Path, config: Any) -> None:
    path = write_zip(tmp_path / "a.keras", **{"config.json": config})
    with pytest.raises(ModelError, match="damaged or none"):
        parse_keras_file(path)


def test_truncated_files_are_refused_wherever_they_end(path: Any) -> None:
    content = path.read_bytes()
    for length in range(8, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError, match="damaged or none"):
            parse_keras_file(path)


@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_zip_gives_an_error_or_a_file(
    tmp_path_factory: pytest.TempPathFactory, whole_zip: Any, data: Any
) -> None:
    content = bytearray(whole_zip)
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.keras"
    path.write_bytes(content)
    with contextlib.suppress(ModelError):
        assert parse_keras_file(path).config


@pytest.mark.parametrize("length", [100, 3000])
def test_what_is_wrong_is_told_across_processes(tmp_path: Path, length: Any) -> None:
    path = write_hdf5(tmp_path / "ünet.h5")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(
        ModelError, match=r"^Expected a whole.*ünet\.h5, .*OSError:.*\.$"
    ):
        read_keras_file(path)


def test_a_file_that_takes_forever_is_given_up(path: Any) -> None:
    limits = KerasFileLimits(longest=0.01)
    with pytest.raises(ModelError, match=r"unet\.model.*takes more than 0 s"):
        read_keras_file(path, limits)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not count work")
def test_a_busy_computer_is_no_reason_to_give_up(
    path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what the process works itself counts, not what it waits for."""
    waited = []
    run = keras_files.subprocess.run

    def wait(command: Any, *, timeout: Any, **options: Any) -> Any:
        waited.append(timeout)
        return run(command, timeout=timeout, **options)

    monkeypatch.setattr(keras_files.subprocess, "run", wait)
    read_keras_file(path)
    assert waited == [KerasFileLimits().longest]


def test_a_string_of_wrong_length_does_not_hold_us(tmp_path: Path) -> None:
    """It makes HDF5 1.14 go round in circles."""
    limits = KerasFileLimits(patience=4)
    path = tmp_path / "endless.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = b'{"class_name": "Functional"}'
    content = bytearray(path.read_bytes())
    content[content.index(b"GCOL") + 24] = 0x80
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"endless\.h5, which is damaged"):
        read_keras_file(path, limits)


def test_a_file_that_crashes_the_library_does_no_harm(
    path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_files.sys, "executable", "false")
    with pytest.raises(ModelError, match=r"unet\.model.*ends with code 1"):
        read_keras_file(path)


def relink(path: Path, link: object) -> None:
    with h5py.File(path, "a") as file:
        del file["model_weights/one"]
        file["model_weights/one"] = link


@pytest.mark.parametrize(
    "link",
    [
        h5py.ExternalLink("secret.h5", "/model_weights/one"),
        h5py.SoftLink("/model_weights/two"),
    ],
    ids=["external", "soft"],
)
def test_links_are_not_followed(tmp_path: Path, link: Any) -> None:
    write_hdf5(tmp_path / "secret.h5")
    path = write_hdf5(tmp_path / "a.h5")
    relink(path, link)
    with pytest.raises(ModelError, match="one is missing or a link"):
        parse_keras_file(path)


def replace_bias(path: Path, **options: Any) -> None:
    with h5py.File(path, "a") as file:
        del file["model_weights/one/one/bias:0"]
        file["model_weights/one"].create_dataset("one/bias:0", **options)


def test_arrays_in_other_files_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(BIASES[0].tobytes())
    path = write_hdf5(tmp_path / "a.h5")
    replace_bias(path, shape=4, dtype="f4", external=[(str(secret), 0, 16)])
    with pytest.raises(ModelError, match="bias:0 lies in another file"):
        parse_keras_file(path)


def test_virtual_arrays_are_not_read(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5")
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("secret.h5", "bias", shape=(4,))
    with h5py.File(path, "a") as file:
        del file["model_weights/one/one/bias:0"]
        file["model_weights/one"].create_virtual_dataset("one/bias:0", layout)
    with pytest.raises(ModelError, match="bias:0 lies in another file"):
        parse_keras_file(path)


@pytest.mark.parametrize("content", [np.arange(4), np.array(b"text"), None])
def test_weights_are_real_numbers(tmp_path: Path, content: Any) -> None:
    path = write_hdf5(tmp_path / "a.h5")
    if content is None:
        with h5py.File(path, "a") as file:
            del file["model_weights/one/one/bias:0"]
            file.create_group("model_weights/one/one/bias:0")
    else:
        replace_bias(path, data=content)
    with pytest.raises(ModelError, match="bias:0 is no array of real numbers"):
        parse_keras_file(path)
