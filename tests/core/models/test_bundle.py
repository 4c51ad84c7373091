from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.errors import ModelError, OutputError
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.bundle import (
    check_suffix,
    read_bundle,
    read_config,
    write_bundle,
)
from napari_unet_nuclei.core.models.weights import to_half_precision

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from napari_unet_nuclei.core.models.bundle import ModelBundle


def test_what_is_written_is_read(
    path: Path, bundle: ModelBundle, assert_same: Callable[..., Any]
) -> None:
    read = read_bundle(path)
    assert read.name == "nuclei"
    assert_same(read, bundle)


def test_the_configuration_is_read_without_the_weights(
    path: Path, bundle: ModelBundle, forge: Callable[..., Any]
) -> None:
    assert read_config(path) == bundle.config
    forge(path, members={"weights.npz": b"damaged"})
    assert read_config(path) == bundle.config


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", "{}", '{"format": 1}', '{"format": "x"}', b"\xff"],
)
def test_a_configuration_that_cannot_be_read_is_refused(
    tmp_path: Path, text: bytes | str
) -> None:
    path = tmp_path / "foreign.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", text)
    with pytest.raises(
        ModelError, match=r"foreign\.unetnuclei, which is not one or is damaged"
    ):
        read_config(path)


def test_a_configuration_of_a_later_format_is_not_guessed(
    path: Path, forge: Callable[..., Any]
) -> None:
    forge(path, format=2)
    with pytest.raises(ModelError, match="written by a newer version"):
        read_config(path)
    with pytest.raises(ModelError, match="There is no model at"):
        read_config(path.with_name("gone.unetnuclei"))


def test_a_model_in_training_has_no_openvino_form(
    path: Path, bundle: ModelBundle
) -> None:
    write_bundle(path, replace(bundle, openvino=None))
    assert read_bundle(path).openvino is None


def test_a_model_may_know_the_foreground_alone(
    path: Path, bundle: ModelBundle, assert_same: Callable[..., Any]
) -> None:
    one_map = replace(bundle, config=replace(bundle.config, maps=("foreground",)))
    write_bundle(path, one_map)
    assert_same(read_bundle(path), one_map)


def test_a_model_is_named_after_its_file(path: Path) -> None:
    renamed = path.rename(path.with_name("my model.v2.unetnuclei"))
    assert read_bundle(renamed).name == "my model.v2"


def test_writing_again_changes_nothing(
    path: Path, bundle: ModelBundle, assert_same: Callable[..., Any]
) -> None:
    again = path.with_name("again.unetnuclei")
    write_bundle(again, read_bundle(path))
    assert_same(read_bundle(again), bundle)


def test_only_kernels_are_rounded(bundle: ModelBundle) -> None:
    weights = to_half_precision(bundle.weights)
    assert weights["conv/kernel"].dtype == np.float16
    np.testing.assert_allclose(
        weights["conv/kernel"], bundle.weights["conv/kernel"], rtol=1e-3
    )
    np.testing.assert_array_equal(weights["conv/bias"], bundle.weights["conv/bias"])


def test_files_are_ordinary_zips(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "model.json"
        config = json.loads(archive.read("model.json"))
    assert config["format"] == 1
    assert config["maps"] == ["foreground", "boundary", "distance"]


@pytest.mark.parametrize("name", ["nuclei", "nuclei.keras", "nuclei.UNETNUCLEI"])
def test_the_suffix_is_fixed(tmp_path: Path, name: str, bundle: ModelBundle) -> None:
    with pytest.raises(OutputError, match=r"ends in \.unetnuclei.*nuclei"):
        check_suffix(tmp_path / name)
    with pytest.raises(OutputError, match=r"ends in \.unetnuclei.*nuclei"):
        write_bundle(tmp_path / name, bundle)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_named(
    path: Path, bundle: ModelBundle
) -> None:
    with pytest.raises(OutputError, match="no_folder"):
        write_bundle(path / "no_folder" / "a.unetnuclei", bundle)


def test_a_failed_write_keeps_the_old_model(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bundle: ModelBundle,
    assert_same: Callable[..., Any],
) -> None:
    splitting = SplittingParameters(threshold=0.9)
    stricter = replace(bundle, config=replace(bundle.config, splitting=splitting))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_bundle(path, stricter)
    assert_same(read_bundle(path), bundle)
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"There is no model at .*gone\.unetnuclei"):
        read_bundle(tmp_path / "gone.unetnuclei")


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"]
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.unetnuclei"
    path.write_bytes(content)
    reason = r"made by this package. Received: .*foreign\.unetnuclei, .*is not a zip"
    with pytest.raises(ModelError, match=reason):
        read_bundle(path)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
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
def test_foreign_zips_are_refused(tmp_path: Path, text: bytes | str) -> None:
    path = tmp_path / "foreign.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", text)
    with pytest.raises(ModelError, match=r"foreign\.unetnuclei, which is not one or"):
        read_bundle(path)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(
        ModelError, match=r"Received: .*model\.unetnuclei, .*'model\.json'"
    ):
        read_bundle(path)


@pytest.mark.parametrize("config", [{"format": 2}, {"format": 99, "weights": "gone"}])
def test_a_later_format_asks_for_an_update(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    path = tmp_path / "later.unetnuclei"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.json", json.dumps(config))
    with pytest.raises(ModelError, match=r"later\.unetnuclei was written by a newer"):
        read_bundle(path)
