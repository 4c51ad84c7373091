"""The folder of a run: its plan, the sample of its image, and what blocks found.

It lies beside the result and is removed when that is complete.
"""

from __future__ import annotations

import shutil
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet_nuclei.core.blocks.block_files import BlockFiles
from napari_unet_nuclei.core.blocks.plan import RunPlan
from napari_unet_nuclei.core.errors import OutputError
from napari_unet_nuclei.core.writing.atomic_files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_PLAN, _SAMPLE, _BLOCKS = "plan.json", "sample.npy", "blocks"


class RunFolder:
    """What is kept of a run until it is complete.

    Parameters
    ----------
    path : Path
        The folder, which may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = BlockFiles(path / _BLOCKS)

    def create(self, plan: RunPlan, sample: NDArray[Any]) -> None:
        """Write a plan and its sample, with which the run begins.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        with replacing(self.path / _SAMPLE) as part:
            np.save(part, np.ascontiguousarray(sample))
        with replacing(self.path / _PLAN) as part:  # last, as it says that all is there
            part.write_text(plan.to_json(), encoding="utf-8")

    def read_plan(self) -> RunPlan | None:
        """Return the plan; ``None`` where no run was begun.

        Raises
        ------
        OutputError
            If it cannot be understood.
        """
        path = self.path / _PLAN
        try:
            return RunPlan.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OutputError(
                f"Expected the plan of a run. Received: {path}, which cannot be "
                "understood, perhaps of another version. Use --overwrite to begin anew."
            ) from error

    def read_sample(self, plan: RunPlan) -> NDArray[Any]:
        """Return the sample of the image that a plan was made with.

        Raises
        ------
        OutputError
            If it is another, or none.
        """
        path = self.path / _SAMPLE
        try:
            sample: NDArray[Any] = np.load(path, allow_pickle=False)
            if sha256(np.ascontiguousarray(sample).data).hexdigest() == (
                plan.sample_sha256
            ):
                return sample
        except (OSError, ValueError, EOFError):
            pass
        raise OutputError(
            f"Expected the sample of the image that the run was planned with. "
            f"Received: {path}, which is missing or damaged. Use --overwrite to begin "
            "anew."
        )

    def remove(self) -> None:
        """Remove all of it, the plan first, so that no half of a run stays."""
        (self.path / _PLAN).unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)
