from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import yaml

from napari_unet_nuclei.core.conversion.model_zoo import checking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from typer.testing import Result


def test_a_model_goes_out_as_a_package_and_comes_back(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "can_check", lambda: False)
    package, model = tmp_path / "classic.zip", tmp_path / "again.unetnuclei"
    arguments = ("export-bioimageio", "classic", "-o", package, "--no-onnx")
    result = run(*arguments, "--author", "A. Biologist", "--license", "CC0-1.0")
    assert result.exit_code == 0, result.output
    assert "Not tested" in result.output
    with zipfile.ZipFile(package) as archive:
        told = yaml.safe_load(archive.read("rdf.yaml"))
    assert told["authors"] == [{"name": "A. Biologist"}]
    assert told["license"] == "CC0-1.0"
    assert "onnx" not in told["weights"]
    result = run("import", package, "-o", model)
    assert result.exit_code == 0, result.output
    assert f"{model}: a network with" in result.output
    result = run(*arguments)
    assert result.exit_code == 1
    assert "--overwrite" in result.output


def test_a_package_that_fails_the_test_is_an_error(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "can_check", lambda: True)
    verdict = checking.PackageCheck("keras_v3", False, ("it is too loud",))
    monkeypatch.setattr(checking, "check_package", lambda *_: verdict)
    package = tmp_path / "classic.zip"
    result = run("export-bioimageio", "classic", "-o", package, "--no-onnx")
    assert result.exit_code == 1
    assert "it is too loud" in " ".join(result.output.split())
