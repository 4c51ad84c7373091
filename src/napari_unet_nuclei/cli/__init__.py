"""The command line: the same functions as in napari, without a screen.

Arguments, progress bars and tables belong here, one module per command; the work
belongs in ``core``.  Core modules are imported inside the commands, so that
``--help`` is instant.
"""

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    # Imported here, so that little is left in which Ctrl-C ends in a traceback.
    from napari_unet_nuclei.cli.process import run_process

    run_process()
