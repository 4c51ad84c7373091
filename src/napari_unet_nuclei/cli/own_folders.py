"""Libraries keep their files in our cache, not at the top of the user's home.

Keras writes ``~/.keras/keras.json`` when it is imported, Matplotlib a folder of
settings and one of fonts.  Whoever has such a folder already goes on using it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from platformdirs import user_cache_path


def keep_home_clean() -> None:
    """Set where Keras and Matplotlib keep their files, if nobody has done so."""
    home = _find_home()
    if home is None:
        cache = Path(tempfile.gettempdir(), "napari-unet-nuclei")
    else:
        cache = user_cache_path("napari-unet-nuclei", appauthor=False)
    if home is None or not (home / ".keras" / "keras.json").exists():
        os.environ.setdefault("KERAS_HOME", str(cache / "keras"))
    if home is None or not any(map(Path.is_dir, _matplotlib_folders(home))):
        os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))


def _find_home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # there is none
        return None


def _matplotlib_folders(home: Path) -> list[Path]:
    """Folders that Matplotlib would use, as it finds them."""
    folders = [home / ".matplotlib"]
    if sys.platform.startswith(("linux", "freebsd")):
        for variable, default in (
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_CACHE_HOME", ".cache"),
        ):
            folders.append(
                Path(os.environ.get(variable) or home / default) / "matplotlib"
            )
    return folders
