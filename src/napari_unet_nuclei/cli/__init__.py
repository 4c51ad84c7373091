"""The command line: the same functions as in napari, without a screen.

Arguments, progress bars and tables belong here, one module a command; the work
belongs in ``core``.  Core modules are imported inside the commands, so that
``--help`` is instant.
"""

from napari_unet_nuclei.cli.app import main

__all__ = ["main"]
