"""Settings of every test: a screen nobody sees, and nobody's own files.

Fixtures that only one folder needs live in that folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# Read when napari, Keras and TensorFlow are first imported, so set before that.
os.environ["NAPARI_CONFIG"] = ""  # napari keeps its settings in memory
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

_HOME = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
_MIXED = pytest.StashKey[bool]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose Qt's platform, and a home for what programs keep of a user.

    pytest-xvfb has started its screen by now and has set ``DISPLAY``.  Qt would
    still prefer a developer's Wayland session, or ``offscreen``, which has no
    OpenGL and thus no napari canvas.
    """
    if sys.platform.startswith("linux"):
        has_screen = "DISPLAY" in os.environ
        os.environ["QT_QPA_PLATFORM"] = "xcb" if has_screen else "offscreen"
    # Child processes (training, command line) find no models or settings of
    # the user either.
    home = config.stash[_HOME] = tempfile.TemporaryDirectory(prefix="unet-nuclei-")
    for variable in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ[variable] = home.name
    os.environ["MPLCONFIGDIR"] = str(Path(home.name) / "matplotlib")
    os.environ["KERAS_HOME"] = str(Path(home.name) / "keras")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the tests left in that home."""
    if _HOME in config.stash:
        config.stash[_HOME].cleanup()


def _shows_a_viewer(item: pytest.Item) -> bool:
    return "make_napari_viewer" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the tests with a real viewer last.

    TensorFlow and Mesa's OpenGL each bring their own LLVM, and a process that
    uses both crashes, whichever comes first.  So ``tox`` runs ``tests/plugin`` in
    a process of its own; a single run of everything skips the viewers instead.
    """
    plugin = Path(__file__).parent / "plugin"
    config.stash[_MIXED] = not all(plugin in item.path.parents for item in items)
    items.sort(key=_shows_a_viewer)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep TensorFlow out of the process in which a viewer opens."""
    if _shows_a_viewer(item) and "tensorflow" in sys.modules:
        if item.config.stash[_MIXED]:
            pytest.skip("another test loaded TensorFlow: run `pytest tests/plugin`")
        pytest.fail("the plugin loaded TensorFlow into napari's process")


@pytest.fixture
def close_folder(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Forbid looking into a folder and all below it; root, too, whom modes let in."""

    def close(folder: Path) -> None:
        def forbid(name: str) -> None:
            function = getattr(os, name)

            def look(path: Any = ".") -> Any:
                if not isinstance(path, int) and Path(path).is_relative_to(folder):
                    raise PermissionError(13, "Permission denied", os.fspath(path))
                return function(path)

            monkeypatch.setattr(os, name, look)

        for name in ("scandir", "listdir"):
            forbid(name)

    return close


@pytest.fixture
def fill_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Leave no room for a file: its temporary one, which is returned, is /dev/full.

    So the kernel itself refuses, in its own words; where it has no such device, there
    is nothing to test.
    """
    if not os.path.exists("/dev/full"):
        pytest.skip("a full disk is played by /dev/full, which Linux alone has")

    def fill(target: Path) -> Path:
        unique = uuid.UUID(int=0)
        monkeypatch.setattr(uuid, "uuid4", lambda: unique)
        from napari_unet_nuclei.core.writing.leftovers import temporary_name

        temporary = target.with_name(temporary_name(target.suffix))
        temporary.symlink_to("/dev/full")
        return temporary

    return fill


@pytest.fixture
def stain() -> Callable[..., NDArray[np.uint8]]:
    """Draw nuclei as hematoxylin shows them, in tissue of another dye."""

    def draw(
        nuclei: NDArray[np.uint8],
        tissue: tuple[float, float, float] = (0.07, 0.99, 0.11),
        *,
        light: tuple[float, float, float] = (245, 240, 245),
        seed: int = 0,
    ) -> NDArray[np.uint8]:
        """Take grey nuclei, the density of the other dye, and the colour of glass."""
        rng = np.random.default_rng(seed)
        fibres = ndimage.gaussian_filter(rng.normal(size=nuclei.shape), (1.5, 4))
        amount = 0.5 + 0.25 * fibres / fibres.std()
        density = nuclei[..., np.newaxis] / 255 * np.array((0.65, 0.70, 0.29)) * 1.6
        density = density + amount.clip(0)[..., np.newaxis] * np.array(tissue)
        return np.rint(np.array(light) * np.exp(-density)).astype(np.uint8)

    return draw


@pytest.fixture
def cells_in_colours() -> Callable[..., NDArray[np.uint8]]:
    """Draw nuclei in one channel, and what surrounds them in the others."""

    def draw(
        nuclei: NDArray[np.uint8], labels: NDArray[np.int32], channel: int
    ) -> NDArray[np.uint8]:
        rng = np.random.default_rng(0)
        distance = ndimage.distance_transform_edt(labels == 0)
        cytoplasm = (distance > 0) & (distance < 20)
        image = np.zeros((*nuclei.shape, 3))
        for other in {0, 1, 2} - {channel}:
            grains = ndimage.gaussian_filter(rng.normal(size=nuclei.shape), 1.5)
            grains = (grains / grains.std() - 0.9).clip(0) * cytoplasm
            image[..., other] = 220 * grains / grains.max()
        image[..., channel] = nuclei
        return np.rint(image).astype(np.uint8)

    return draw
