"""What runtimes raise when they fail, in the words of this package."""

from __future__ import annotations

import re

from napari_unet_nuclei.core.errors import EngineError, OutOfMemoryError


def engine_error(runtime: str, error: Exception) -> EngineError:
    """Tell a lack of memory from other failures, by what all runtimes say about it."""
    if isinstance(error, MemoryError) or re.search(
        r"bad_alloc|allocat|out of memory|resource.?exhausted", str(error), re.I
    ):
        return OutOfMemoryError(
            f"{runtime} found no memory for so much at once; close other programs "
            "or cut the image into parts."
        )
    return EngineError(f"{runtime} failed: {error}")
