"""Slow imports, begun while something else is done."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING

from napari_unet_nuclei.cli.reporting import quiet_native_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def importing_ahead(name: str, *, debug: bool) -> Iterator[None]:
    """Import a package in a thread, which has ended when this does.

    Standard error is silent until then.  Why an import fails is left to whoever imports
    the package next.

    Parameters
    ----------
    name : str
        Package that is not imported yet, such as ``"keras"``.
    debug : bool
        Whether to show what libraries say.
    """

    def load() -> None:
        with quiet_native_libraries(debug=debug), suppress(Exception):
            import_module(name)

    thread = threading.Thread(target=load, name=f"importing {name}")
    thread.start()
    try:
        yield
    finally:
        thread.join()
