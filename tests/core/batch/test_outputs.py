from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet_nuclei.core.batch.outputs import claim_csv
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.settings.choices import OutputFormat

if TYPE_CHECKING:
    from pathlib import Path

TIFF, RLE = OutputFormat.TIFF, OutputFormat.RLE


def test_one_batch_at_a_time_writes_a_csv(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with claim_csv(out, [TIFF, RLE]):
        with (
            pytest.raises(OutputError, match=r"only one to write .*predictions\.csv"),
            claim_csv(out, [RLE]),
        ):
            pass
        with claim_csv(out, [TIFF]):
            pass
    assert not out.exists()
    with claim_csv(out, [RLE]):
        (out / "predictions.csv").touch()
    assert [path.name for path in out.iterdir()] == ["predictions.csv"]
