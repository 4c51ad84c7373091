"""What the commands say of a disk that is full or a folder that is closed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

    Run = Callable[..., Result]


FIRST_OUTPUTS = {
    "segment": "aa.tif",
    "train": "mine.unetnuclei",
    "evaluate": "scores.json",
    "insights": "samples.png",
}


def write_with(run: Run, command: str, data: Path, out: Path) -> Result:
    """Let a command write its results to a folder."""
    match command:
        case "segment":
            return run(command, data, "-o", out, "--model", "classic")
        case "train":
            model = out / FIRST_OUTPUTS[command]
            length = ("--epochs", 1, "--steps-per-epoch", 1)
            return run(command, data, "-o", model, "--from", "classic", *length)
        case "evaluate":
            return run(command, data, data, "--json", out / FIRST_OUTPUTS[command])
    return run(command, data, "-o", out)


@pytest.mark.parametrize("command", FIRST_OUTPUTS)
def test_a_full_disk_is_named_and_nothing_half_is_left(
    run: Run,
    dsb2018: Path,
    tmp_path: Path,
    fill_disk: Callable[[Path], Path],
    command: str,
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    target = out / FIRST_OUTPUTS[command]
    fill_disk(target)
    result = write_with(run, command, dsb2018, out)
    assert result.exit_code == 1
    assert f"Received: {target} (No space left on device)" in result.output
    assert "on a disk that has room" in result.output
    assert not target.exists()
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("command", FIRST_OUTPUTS)
def test_a_folder_that_may_not_be_written_to_is_named(
    run: Run,
    dsb2018: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    out = tmp_path / "closed"
    target = out / FIRST_OUTPUTS[command]

    def refuse(path: object, *_: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "mkdir", refuse)
    result = write_with(run, command, dsb2018, out)
    assert result.exit_code == 1
    assert f"Received: {target} (Permission denied)" in result.output
    assert "Choose a folder you may write to" in result.output
