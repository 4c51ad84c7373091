"""What a computer is said to compute on, whatever this one has."""

from __future__ import annotations

import json
import shutil
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.engines import devices
from napari_unet_nuclei.core.engines.devices import (
    DEVICE_VARIABLE,
    choose_device,
    keras_backend,
    multiplies_bfloat16,
    openvino_devices,
    package_versions,
    segmentation_sentence,
    training_sentence,
)
from napari_unet_nuclei.core.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

INTEL = {"CPU": "Core Ultra", "GPU": "Arc", "NPU": "AI Boost"}


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment choose nothing."""
    for name in (DEVICE_VARIABLE, "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


def test_versions_are_those_installed() -> None:
    versions = package_versions()
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert versions["numpy"][0].isdigit()
    assert set(devices.PACKAGES) < set(versions)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "PACKAGES", ("no-such-package",))
    assert package_versions()["no-such-package"] == "not installed"


def test_the_backend_is_found_as_keras_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert keras_backend() == "tensorflow"
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
    assert keras_backend() == "torch"
    (tmp_path / "keras.json").write_text("{")
    assert keras_backend() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert keras_backend() == "jax"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, "CPU"),
        ("CPU", "CPU"),
        ("gpu", "GPU"),
        ("NPU", "NPU"),
        ("AUTO", "AUTO"),
        ("", "CPU"),
    ],
)
def test_the_processor_computes_unless_told_otherwise(
    wanted: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wanted is not None:
        monkeypatch.setenv(DEVICE_VARIABLE, wanted)
    assert choose_device(INTEL) == expected


def test_one_of_several_devices_can_be_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "GPU")
    assert choose_device(["CPU", "GPU.0", "GPU.1"]) == "GPU"
    monkeypatch.setenv(DEVICE_VARIABLE, "GPU.0")
    assert choose_device(["CPU", "GPU"]) == "GPU.0"


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "GPU.1")
    expected = (
        r"AUTO or a device that OpenVINO sees, CPU\. Received: .*DEVICE=GPU\.1; set"
    )
    with pytest.raises(SettingsError, match=expected):
        choose_device(["CPU"])
    monkeypatch.setenv(DEVICE_VARIABLE, "CPU.0")
    with pytest.raises(SettingsError, match=r"Received: .*CPU\.0"):
        choose_device(["CPU"])


@pytest.mark.parametrize(("hint", "expected"), [("bf16", True), ("f32", False)])
def test_bfloat16_is_for_processors_that_multiply_it(
    hint: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = SimpleNamespace(
        get_property=lambda *_: SimpleNamespace(get_type_name=lambda: hint)
    )
    openvino = SimpleNamespace(Core=lambda: core)
    monkeypatch.setattr(devices, "import_openvino", lambda: openvino)
    assert multiplies_bfloat16() is expected


def test_without_openvino_nothing_is_known_of_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert not multiplies_bfloat16()


def test_openvino_sees_the_processor() -> None:
    assert openvino_devices()["CPU"]


@pytest.mark.parametrize(
    ("seen", "wanted", "expected"),
    [
        ({}, None, "Keras on tensorflow, because OpenVINO is missing."),
        ({"CPU": "Core"}, None, "OpenVINO on the CPU; it sees no GPU."),
        (INTEL, None, f"OpenVINO on the CPU; set {DEVICE_VARIABLE}=GPU for the GPU."),
        ({"CPU": "Core"}, "GPU", "Expected AUTO or a device that OpenVINO sees, CPU"),
        (INTEL, "AUTO", f"OpenVINO on AUTO, because {DEVICE_VARIABLE} says so."),
    ],
)
def test_what_segmentation_runs_on_is_said(
    seen: dict[str, str],
    wanted: str | None,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(devices, "openvino_devices", lambda: seen)
    if wanted is not None:
        monkeypatch.setenv(DEVICE_VARIABLE, wanted)
    assert segmentation_sentence().startswith(expected)


@pytest.mark.parametrize(
    ("platform", "backend", "has_driver", "is_hidden", "expected"),
    [
        ("linux", "tensorflow", False, False, "No NVIDIA GPU: there is no driver"),
        ("linux", "tensorflow", True, True, "CUDA_VISIBLE_DEVICES hides it"),
        ("linux", "tensorflow", True, False, "tensorflow[and-cuda]"),
        ("linux", "jax", True, False, "jax uses the GPU if built for it"),
        ("win32", "tensorflow", True, False, "no GPU support on Windows since 2.11"),
        ("win32", "torch", True, False, "torch uses the GPU if built for it"),
        ("darwin", "tensorflow", False, False, "when tensorflow-metal is installed"),
        ("darwin", "jax", False, False, "when jax-metal is installed"),
        ("darwin", "torch", False, False, "uses the GPU of an Apple processor"),
    ],
)
def test_the_reason_for_no_gpu_is_said(
    platform: str,
    backend: str,
    has_driver: bool,
    is_hidden: bool,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    found = "/usr/bin/nvidia-smi" if has_driver else None
    monkeypatch.setattr(shutil, "which", lambda name: found)
    if is_hidden:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.MonkeyPatch.context() as context:
        context.setattr(sys, "platform", platform)
        sentence = training_sentence()
    assert expected in sentence
