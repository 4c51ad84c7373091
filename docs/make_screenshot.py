"""Take pictures of napari's window with its widgets, at two sizes, in both themes.

Those that the docs show are copied to ``docs/images``; all of them go into a folder, to
be looked at:

    xvfb-run -s '-screen 0 2000x1200x24' python docs/make_screenshot.py FOLDER

Needs a screen with OpenGL.  All images are drawn or come with the package; models and
settings of the user are neither read nor written.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("NAPARI_CONFIG", "")  # no settings of the user

from napari.utils.notifications import notification_manager
from screenshots.browsing import browsing, models
from screenshots.correcting import correcting, doubting
from screenshots.dialogs import dialogs
from screenshots.measuring import measuring
from screenshots.segmenting import (
    after_a_run,
    correction,
    empty,
    long_names,
    nothing_found,
    region,
    stack,
)
from screenshots.studio import SIZES, THEMES, Studio
from screenshots.training import annotating, fine_tuning, painting, training

from napari_unet_nuclei.core.files import correction_journal
from napari_unet_nuclei.core.models import store as model_store

SCENES = (
    *(
        empty,
        after_a_run,
        nothing_found,
        region,
        stack,
        correction,
        correcting,
        doubting,
    ),
    *(long_names, training, painting, annotating, measuring, browsing, models),
    *(dialogs, fine_tuning),
)
TAKEN_ONCE = (fine_tuning,)  # takes minutes, and both themes in turn


def main() -> None:
    """Take all pictures, or those of some scenes."""
    names = [scene.__name__ for scene in SCENES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for all pictures")
    parser.add_argument("--scenes", nargs="+", choices=names, default=names)
    parser.add_argument("--first-size", action="store_true", help="only the smaller")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    own_models = Path(tempfile.mkdtemp())
    model_store.user_model_folder = lambda: own_models
    correction_journal.journal_folder = lambda: own_models / "corrections"
    with notification_manager:  # as napari.run() does: errors become notifications
        for size in SIZES[: 1 if options.first_size else None]:
            for theme in THEMES:
                is_first = (size, theme) == (SIZES[0], THEMES[0])
                for scene in SCENES:
                    if scene in TAKEN_ONCE and not is_first:
                        continue
                    if scene.__name__ in options.scenes:
                        studio = Studio(options.folder, size, theme)
                        scene(studio)
                        studio.close()
                        for path in own_models.iterdir():
                            shutil.rmtree(path) if path.is_dir() else path.unlink()
                        print(f"{scene.__name__} {theme} {size[0]}", flush=True)
    shutil.rmtree(own_models)


if __name__ == "__main__":
    main()
