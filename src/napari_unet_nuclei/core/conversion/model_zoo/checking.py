"""The Model Zoo's own test of a package, in a process of its own.

``bioimageio.core`` sets the backend of Keras when it is imported, and runs what the
package holds; neither should happen here.
"""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from napari_unet_nuclei.core.errors import EngineError, ModelError
from napari_unet_nuclei.core.tensorflow_child import run_on_tensorflow

if TYPE_CHECKING:
    from pathlib import Path

_TEST = """
import json, sys
from bioimageio.core import test_model
summary = test_model(sys.argv[1], weight_format=sys.argv[2])
failed = [
    detail.name + ": " + (detail.errors[0].msg if detail.errors else "")
    for detail in summary.details if detail.status == "failed"
]
print("\\n" + json.dumps({"status": summary.status, "failed": failed}))
"""


class PackageCheck(NamedTuple):
    """What ``bioimageio.core`` says of a package.

    Parameters
    ----------
    weight_format : str
        Which of its weights were run, such as ``"keras_v3"``.
    passed : bool
        Whether it is valid and gives the test outputs.
    failed : tuple of str
        What is wrong, check by check.
    """

    weight_format: str
    passed: bool
    failed: tuple[str, ...]


def can_check() -> bool:
    """Whether ``bioimageio.core`` is installed."""
    try:
        return find_spec("bioimageio.core") is not None
    except ModuleNotFoundError:
        return False


def check_package(path: Path, weight_format: str = "keras_v3") -> PackageCheck:
    """Let ``bioimageio.core`` test a package.

    Parameters
    ----------
    path : Path
        The package.
    weight_format : {"keras_v3", "onnx"}
        Which of its weights to run.

    Returns
    -------
    PackageCheck
        Its verdict.

    Raises
    ------
    ModelError
        If the test itself does not come to an end.
    """
    try:
        printed = run_on_tensorflow("-c", _TEST, str(path.absolute()), weight_format)
        *_, last = printed.strip().splitlines()
        verdict = json.loads(last)
    except (EngineError, subprocess.TimeoutExpired, ValueError) as error:
        raise ModelError(
            f"The package {path} could not be tested ({error})."
        ) from error
    return PackageCheck(
        weight_format, verdict["status"] == "passed", tuple(verdict["failed"])
    )
