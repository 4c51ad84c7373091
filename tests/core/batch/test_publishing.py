from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet_nuclei.core.batch.publishing import publish
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.files.label_reading import read_labels
from napari_unet_nuclei.core.files.labels import write_labels_tiff

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

LABELS = np.arange(12, dtype=np.int32).reshape(3, 4)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    write_labels_tiff(folder / "a.tif", LABELS)
    (folder / "a.csv").write_text("label\n1\n")
    return folder


def test_files_are_copied_and_the_same_ones_stay(made: Any, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    publish(made, out)
    assert sorted(path.name for path in out.iterdir()) == ["a.csv", "a.tif"]
    before = (out / "a.csv").stat()
    (out / "a.tif").unlink()
    publish(made, out)
    assert (out / "a.csv").stat() == before
    np.testing.assert_array_equal(read_labels(out / "a.tif"), LABELS)


def test_of_pictures_only_the_pixels_count(made: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(made, out)
    content = (made / "a.tif").read_bytes()
    (out / "a.tif").write_bytes(content + b"\0\0")
    publish(made, out)
    assert len((out / "a.tif").read_bytes()) == len(content) + 2


@pytest.mark.parametrize("name", ["a.tif", "a.csv"])
def test_what_was_corrected_stays_and_so_does_all_else(
    made: Any, tmp_path: Path, name: Any
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if name == "a.tif":
        write_labels_tiff(out / name, LABELS[::-1])
    else:
        (out / name).write_text("label\n2\n")
    before = (out / name).read_bytes()
    with pytest.raises(OutputError, match=rf"{name}, which exists.*corrected by hand"):
        publish(made, out)
    assert [path.name for path in out.iterdir()] == [name]
    assert (out / name).read_bytes() == before
    publish(made, out, overwrite=True)
    assert (out / name).read_bytes() == (made / name).read_bytes()


def test_what_is_no_picture_is_another_file(made: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.tif").write_text("my notes")
    (out / "a.csv").mkdir()
    with pytest.raises(OutputError, match="2 that exist"):
        publish(made, out)
