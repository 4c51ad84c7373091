from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_unet_nuclei.core.drawing.figures import make_figure, write_figure
from napari_unet_nuclei.core.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_figure_is_as_large_as_asked(tmp_path: Path) -> None:
    write_figure(tmp_path / "new" / "a.png", make_figure(320, 200))
    with Image.open(tmp_path / "new" / "a.png") as picture:
        assert picture.size == (320, 200)


def test_letters_that_the_font_lacks_are_no_warning(tmp_path: Path) -> None:
    figure = make_figure(320, 200)
    figure.suptitle("核 $x")  # warnings are errors here
    write_figure(tmp_path / "a.png", figure)
    with Image.open(tmp_path / "a.png") as picture:
        assert np.asarray(picture.convert("L")).min() < 255


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"place to write to. Received: .*a\.png"):
        write_figure(tmp_path / "file" / "a.png", make_figure(10, 10))


def test_pyplot_is_not_needed(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys; from napari_unet_nuclei.core.drawing.figures import *\n"
        f"write_figure({str(tmp_path / 'a.png')!r}, make_figure(50, 50))\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
