"""OpenVINO, imported without its telemetry."""

from __future__ import annotations

import sys
from typing import Any

_TELEMETRY = "openvino_telemetry"


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry.

    It would tell Google Analytics of every import and every conversion, unless the
    package that does so is missing; what a laboratory computes is private.
    The reports are also sent from copies of the process, which hang where it has
    threads.

    Returns
    -------
    module
        ``openvino``.

    Raises
    ------
    ImportError
        If OpenVINO is not installed.
    """
    is_hidden = _TELEMETRY not in sys.modules
    if is_hidden:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if is_hidden:
            del sys.modules[_TELEMETRY]
    return openvino
