"""What this computer can compute on, and why it is not more.

Nothing heavy is imported: reasons are found without starting TensorFlow.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

import psutil

from napari_unet_nuclei.core.openvino_runtime import import_openvino

PACKAGES = (
    "napari-unet-nuclei",
    "napari",
    "npe2",
    "magicgui",
    "numpy",
    "scikit-image",
    "openvino",
    "keras",
    "tensorflow",
    "jax",
    "torch",
)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that matter.

    Returns
    -------
    dict of str to str
        Version by name, ``"not installed"`` where there is none.
    """
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def keras_backend() -> str:
    """Name of the backend Keras will use, found the way Keras does."""
    if backend := os.environ.get("KERAS_BACKEND"):
        return backend
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        config = json.loads((home / "keras.json").read_text(encoding="utf-8"))
        return str(config["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def free_memory() -> int:
    """Memory that can be taken without swapping, in bytes."""
    return int(psutil.virtual_memory().available)


def openvino_devices() -> dict[str, str]:
    """Devices that OpenVINO sees.

    Returns
    -------
    dict of str to str
        Full name by short name, such as ``"CPU"``; empty without OpenVINO.
    """
    try:
        openvino = import_openvino()
    except ImportError:
        return {}
    core = openvino.Core()
    return {
        device: str(core.get_property(device, "FULL_DEVICE_NAME")).strip()
        for device in core.available_devices
    }


def gpu_sentence() -> str:
    """Say whether training uses a GPU, and if not, why.

    Returns
    -------
    str
        One sentence for people.
    """
    if "GPU" in openvino_devices():
        return "OpenVINO sees an Intel GPU; segmentation runs on the CPU by default."
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "No GPU: CUDA_VISIBLE_DEVICES hides it from this process."
    if sys.platform == "darwin":
        return "No GPU: on a Mac, TensorFlow needs the tensorflow-metal package."
    if shutil.which("nvidia-smi") is None:
        return "No GPU: there is no NVIDIA driver on this computer."
    if keras_backend() == "tensorflow":
        if sys.platform == "win32":
            return (
                "No GPU: TensorFlow has no GPU support on Windows since 2.11; "
                "set KERAS_BACKEND=torch, or use WSL2."
            )
        return (
            "There is an NVIDIA driver; TensorFlow uses the GPU when its CUDA "
            "libraries are installed (`pip install tensorflow[and-cuda]`)."
        )
    return f"There is an NVIDIA driver; Keras decides through {keras_backend()}."
