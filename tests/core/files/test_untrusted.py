from __future__ import annotations

import pytest

from napari_unet_nuclei.core.errors import ImageError
from napari_unet_nuclei.core.files.untrusted import check_announced_size


@pytest.mark.parametrize(
    ("n_bytes", "n_stored"),
    [(0, 0), (2**28, 100), (2**32, 2**32), (2**33, 2**33 // 8256 + 1)],
)
def test_what_a_file_can_hold_is_believed(n_bytes, n_stored):
    check_announced_size((1, n_bytes), n_bytes, n_stored, "a.png")


@pytest.mark.parametrize(("n_bytes", "n_stored"), [(2**28 + 1, 100), (2**34, 2**20)])
def test_what_a_file_cannot_hold_is_refused(n_bytes, n_stored):
    reason = rf"header of a\.png announces, 3 × 5,000\. .* a file of {n_stored:,} bytes"
    with pytest.raises(ImageError, match=reason):
        check_announced_size((3, 5000), n_bytes, n_stored, "a.png")
