"""What this computer can compute on, and why not on more.

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
from typing import TYPE_CHECKING

from napari_unet_nuclei.core.errors import SettingsError
from napari_unet_nuclei.core.openvino_runtime import import_openvino

if TYPE_CHECKING:
    from collections.abc import Collection

DEVICE_VARIABLE = "NAPARI_UNET_NUCLEI_DEVICE"
_PROCESSOR, _AUTOMATIC = "CPU", "AUTO"

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
    home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))
    try:
        config = json.loads((home / "keras.json").read_text(encoding="utf-8"))
        return str(config["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


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


def multiplies_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 faster than float32.

    Others imitate it: one with AVX2 alone trains nine times slower in bfloat16.

    Returns
    -------
    bool
        What OpenVINO computes in by itself; false where it is not installed.
    """
    try:
        core = import_openvino().Core()
    except ImportError:
        return False
    hint = core.get_property(_PROCESSOR, "INFERENCE_PRECISION_HINT")
    return bool(hint.get_type_name() == "bf16")


def choose_device(available: Collection[str]) -> str:
    """Choose where OpenVINO computes.

    On the processor, whose speed and results are measured, unless the environment
    variable ``NAPARI_UNET_NUCLEI_DEVICE`` names another device.

    Parameters
    ----------
    available : collection of str
        What OpenVINO sees, such as ``["CPU", "GPU"]``.

    Returns
    -------
    str
        ``"CPU"``, the device that was asked for, or ``"AUTO"``, with which OpenVINO
        begins on the CPU and moves to a GPU once that has compiled the network.

    Raises
    ------
    SettingsError
        If there is no such device.
    """
    device = (os.environ.get(DEVICE_VARIABLE) or _PROCESSOR).upper()
    # OpenVINO takes GPU for GPU.0, and the other way round.
    aliases = {name.partition(".")[0] for name in available}
    aliases |= {f"{name}.0" for name in available if name == "GPU"}
    if device in (_PROCESSOR, _AUTOMATIC) or device in aliases.union(available):
        return device
    raise SettingsError(
        f"Expected {_AUTOMATIC} or a device that OpenVINO sees, "
        f"{', '.join(available)}. Received: {DEVICE_VARIABLE}={device}; set it to one "
        "of these, or unset it."
    )


def segmentation_sentence() -> str:
    """Say what segmentation runs on, and what it could run on.

    Returns
    -------
    str
        One sentence for people; a device that is asked for and not there is named.
    """
    devices = openvino_devices()
    if not devices:
        return f"Keras on {keras_backend()}, because OpenVINO is missing."
    try:
        device = choose_device(devices)
    except SettingsError as error:
        return str(error)
    if device != _PROCESSOR:
        return f"OpenVINO on {device}, because {DEVICE_VARIABLE} says so."
    others = [name for name in devices if name.startswith("GPU")]
    if not others:
        return "OpenVINO on the CPU; it sees no GPU."
    return f"OpenVINO on the CPU; set {DEVICE_VARIABLE}={others[0]} for the GPU."


def training_sentence() -> str:
    """Say whether training uses a GPU, and if not, why.

    Returns
    -------
    str
        One sentence for people.
    """
    backend = keras_backend()
    if sys.platform == "darwin":
        if backend == "torch":
            return "PyTorch uses the GPU of an Apple processor."
        package = "tensorflow-metal" if backend == "tensorflow" else "jax-metal"
        return (
            f"On a Mac, {backend} uses the GPU when {package} is installed; with "
            "KERAS_BACKEND=torch, PyTorch needs nothing else."
        )
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "No GPU: CUDA_VISIBLE_DEVICES hides it from this process."
    if shutil.which("nvidia-smi") is None:
        return "No NVIDIA GPU: there is no driver for one on this computer."
    if backend != "tensorflow":
        return f"There is an NVIDIA driver; {backend} uses the GPU if built for it."
    if sys.platform == "win32":
        return (
            "No GPU: TensorFlow has no GPU support on Windows since 2.11; "
            "set KERAS_BACKEND=torch, or use WSL2."
        )
    return (
        "There is an NVIDIA driver; TensorFlow uses the GPU when its CUDA "
        "libraries are installed (`pip install tensorflow[and-cuda]`)."
    )
