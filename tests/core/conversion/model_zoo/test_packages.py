from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from PIL import Image

from napari_unet_nuclei.core.conversion.ensembling import combine_models
from napari_unet_nuclei.core.conversion.model_zoo.checking import check_package
from napari_unet_nuclei.core.conversion.model_zoo.describing import Credits
from napari_unet_nuclei.core.conversion.model_zoo.example import draw_example
from napari_unet_nuclei.core.conversion.model_zoo.exporting import export_package
from napari_unet_nuclei.core.conversion.model_zoo.importing import import_package
from napari_unet_nuclei.core.engines.keras import KerasEngine
from napari_unet_nuclei.core.errors import ModelError, OutputError
from napari_unet_nuclei.core.instances.maps import SplittingParameters
from napari_unet_nuclei.core.models.config import ONE_MAP, format_config
from napari_unet_nuclei.core.networks.bundling import without_normalization

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_unet_nuclei.core.models.bundle import ModelBundle
    from napari_unet_nuclei.core.models.config import ModelConfig


@pytest.fixture(scope="module")
def tuned(make_bundle: Callable[..., Any]) -> ModelBundle:
    """A model of this package with settings that differ from the defaults."""
    bundle = make_bundle("resnet", seed=3)
    config = replace(
        bundle.config,
        splitting=SplittingParameters(threshold=0.4, seed_threshold=0.6),
        diameter=12.5,
        n_symmetries=2,
        provenance={"train": ["a", "b"], "scores": {"dsb2018": 0.5, "dice": 0.9}},
    )
    return replace(bundle, name="tuned", config=config)


@pytest.fixture(scope="module")
def package(tuned: ModelBundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zoo") / "tuned.zip"
    made_by = Credits(authors=("A. Biologist", "B. Analyst"), licence="CC-BY-4.0")
    export_package(tuned, path, made_by, onnx=False)
    return path


def read(package: Path, name: str) -> bytes:
    with zipfile.ZipFile(package) as archive:
        return archive.read(name)


def describe(package: Path) -> Any:
    return yaml.safe_load(read(package, "rdf.yaml"))


def as_json(config: ModelConfig) -> Any:
    return json.loads(json.dumps(format_config(config)))


def rewrite(package: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """Copy a package with other content of some files, or without them."""
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = changes.get(name, source.read(name))
            if content is not None:
                copy.writestr(name, content)
    return target


def test_a_package_comes_back_as_the_same_model(
    package: Path, tuned: ModelBundle
) -> None:
    imported = import_package(package)
    arguments, weights = without_normalization(tuned)
    assert imported.notes == ()
    assert imported.bundle.name == "tuned"
    expected = replace(tuned.config, arguments=arguments)
    assert as_json(imported.bundle.config) == as_json(expected)
    assert imported.bundle.openvino is not None
    assert imported.bundle.weights.keys() == weights.keys()
    for path, values in imported.bundle.weights.items():
        np.testing.assert_array_equal(values, weights[path])


def test_test_outputs_are_what_the_model_makes_of_the_test_input(
    package: Path, tuned: ModelBundle
) -> None:
    example = draw_example(tuned.config)
    given = np.load(io.BytesIO(read(package, "test_input.npy")))
    np.testing.assert_array_equal(given, example.image)
    assert given.dtype == np.float32
    maps = KerasEngine.from_bundle(tuned).predict(example.normalised)
    for number, name in enumerate(tuned.config.maps):
        stored = np.load(io.BytesIO(read(package, f"test_{name}.npy")))
        assert stored.dtype == np.float32
        np.testing.assert_allclose(stored, maps[..., number : number + 1], atol=1e-4)


def test_the_description_says_what_the_model_is(
    package: Path, tuned: ModelBundle
) -> None:
    told = describe(package)
    assert told["license"] == "CC-BY-4.0"
    assert [each["name"] for each in told["authors"]] == ["A. Biologist", "B. Analyst"]
    (image,) = told["inputs"]
    sides = {axis["id"]: axis for axis in image["axes"] if axis["type"] == "space"}
    assert sides["y"]["size"]["step"] == tuned.config.stride
    assert sides["y"]["size"]["min"] > 2 * tuned.config.margin
    scaling, clipping = image["preprocessing"]
    assert scaling["kwargs"]["max_percentile"] == 99.8
    assert clipping["id"] == "clip"
    assert [each["id"] for each in told["outputs"]] == list(tuned.config.maps)
    halos = {
        axis["halo"]
        for each in told["outputs"]
        for axis in each["axes"]
        if axis["type"] == "space"
    }
    assert halos == {tuned.config.margin}


def test_checksums_of_all_named_files_are_right(package: Path) -> None:
    def entries(value: Any) -> list[dict[str, str]]:
        if isinstance(value, dict):
            own = [value] if "source" in value and "sha256" in value else []
            return own + [e for part in value.values() for e in entries(part)]
        parts = value if isinstance(value, list) else []
        return [e for part in parts for e in entries(part)]

    named = entries(describe(package))
    for entry in named:
        content = read(package, entry["source"])
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    with zipfile.ZipFile(package) as archive:
        assert {each["source"] for each in named} == {*archive.namelist()} - {
            "rdf.yaml"
        }


def test_page_and_cover_are_for_people(package: Path) -> None:
    page = read(package, "README.md").decode()
    assert "## Validation" in page
    assert "trained on 2 images" in page
    assert "DSB2018 score 0.500, Dice 0.900" in page
    with Image.open(io.BytesIO(read(package, "cover.png"))) as cover:
        assert cover.width == 2 * cover.height
    assert len(read(package, "cover.png")) < 500_000


def test_the_model_zoo_finds_the_package_valid_and_reproduces_it(
    package: Path,
) -> None:
    verdict = check_package(package)
    assert verdict.passed, verdict.failed


def test_the_model_zoo_reproduces_the_maps_with_onnx(
    tuned: ModelBundle, tmp_path: Path
) -> None:
    path = tmp_path / "with_onnx.zip"
    export_package(tuned, path)
    verdict = check_package(path, "onnx")
    assert verdict.passed, verdict.failed


def test_the_model_zoo_finds_other_outputs_wrong(package: Path, tmp_path: Path) -> None:
    told = describe(package)
    wrong = io.BytesIO()
    np.save(wrong, np.load(io.BytesIO(read(package, "test_distance.npy"))) / 2 + 0.4)
    digest = hashlib.sha256(wrong.getvalue()).hexdigest()
    told["outputs"][2]["test_tensor"]["sha256"] = digest
    changes: dict[str, bytes | None] = {
        "test_distance.npy": wrong.getvalue(),
        "rdf.yaml": yaml.safe_dump(told).encode(),
    }
    verdict = check_package(rewrite(package, tmp_path / "wrong.zip", changes))
    assert not verdict.passed
    assert verdict.failed


def test_models_with_one_map_and_ensembles_go_out_and_come_back(
    make_bundle: Callable[..., Any], tuned: ModelBundle, tmp_path: Path
) -> None:
    one = make_bundle("classic", seed=1, n_maps=1)
    one = replace(one, config=replace(one.config, maps=ONE_MAP, diameter=12.5))
    for bundle in (one, combine_models([one, tuned], "both")):
        path = tmp_path / f"{bundle.name}.zip"
        export_package(bundle, path, onnx=False)
        back = import_package(path).bundle
        tiles = draw_example(bundle.config).normalised
        np.testing.assert_allclose(
            KerasEngine.from_bundle(back).predict(tiles),
            KerasEngine.from_bundle(bundle).predict(tiles),
            atol=1e-4,
        )


def test_a_package_of_others_is_imported_as_its_keras_file(
    package: Path, tmp_path: Path
) -> None:
    import keras

    image = keras.Input((None, None, 3))
    maps = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(image)
    keras.Model(image, maps).save(tmp_path / "theirs.keras")
    content = (tmp_path / "theirs.keras").read_bytes()
    told = {"type": "model", "weights": {"keras_v3": {"source": "theirs.keras"}}}
    path = tmp_path / "theirs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bioimageio.yaml", yaml.safe_dump(told))
        archive.writestr("theirs.keras", content)
    imported = import_package(path, diameter=30)
    assert imported.bundle.config.diameter == 30
    assert imported.bundle.name == "theirs"
    assert imported.notes


def test_what_cannot_be_imported_gets_a_sentence(package: Path, tmp_path: Path) -> None:
    told = describe(package)
    torch = {**told, "weights": {"torchscript": {"source": "x.pt"}}}
    linked = {**told, "weights": {"keras_v3": {"source": "https://example.org/x"}}}
    config = json.loads(read(package, "model.json"))
    config["arguments"]["widths"] = [4000, 4000, 4000]
    greedy = json.dumps(config).encode()
    attached = {"source": "model.json", "sha256": hashlib.sha256(greedy).hexdigest()}
    overgrown = yaml.safe_dump({**told, "attachments": [attached]}).encode()
    cases: list[tuple[dict[str, bytes | None], str]] = [
        ({"rdf.yaml": None}, "no rdf.yaml"),
        ({"rdf.yaml": b"a: [1"}, "none or is damaged"),
        ({"rdf.yaml": b"- 1"}, "does not describe a model"),
        ({"rdf.yaml": yaml.safe_dump(torch).encode()}, "torchscript"),
        ({"rdf.yaml": yaml.safe_dump(linked).encode()}, "links to https"),
        ({"weights.keras": b"PK\x03\x04"}, "checksum of weights.keras"),
        ({"model.json": greedy, "rdf.yaml": overgrown}, "none or is damaged"),
    ]
    for number, (changes, sentence) in enumerate(cases):
        path = rewrite(package, tmp_path / f"{number}.zip", changes)
        with pytest.raises(ModelError, match=sentence):
            import_package(path)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(ModelError, match=r"text\.zip"):
        import_package(tmp_path / "text.zip")
    with pytest.raises(ModelError):
        import_package(tmp_path / "missing.zip")


def test_a_package_ends_in_zip_and_is_whole_or_not_there(
    tuned: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OutputError, match=r"ends in \.zip"):
        export_package(tuned, tmp_path / "tuned.tar", onnx=False)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(zipfile.ZipFile, "write", fail)
    with pytest.raises((OSError, OutputError)):
        export_package(tuned, tmp_path / "tuned.zip", onnx=False)
    assert not any(tmp_path.iterdir())


def test_onnx_without_its_library_is_refused_with_the_way_out(
    tuned: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "napari_unet_nuclei.core.conversion.model_zoo.exporting.find_spec"
    monkeypatch.setattr(target, lambda name: None)
    with pytest.raises(ModelError, match="--no-onnx"):
        export_package(tuned, tmp_path / "tuned.zip")


def test_an_error_names_the_package_and_not_what_was_unpacked_of_it(
    package: Path, tmp_path: Path
) -> None:
    told = describe(package)
    del told["attachments"]
    changes: dict[str, bytes | None] = {"rdf.yaml": yaml.safe_dump(told).encode()}
    path = rewrite(package, tmp_path / "theirs.zip", changes)
    with pytest.raises(ModelError, match="more than one output") as caught:
        import_package(path)
    assert f"Received: {path}" in str(caught.value)
    assert ".keras" not in str(caught.value)
