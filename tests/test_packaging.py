"""What users install: the manifest, the models, and names that resolve."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_unet_nuclei

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_unet_nuclei"
MANIFEST = PACKAGE / "napari.yaml"


def run(*command: str | Path, cwd: Path) -> str:
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build reads, so that no build touches the checkout."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copy(ROOT / "napari.yaml", copy, follow_symlinks=False)
    shutil.copytree(
        ROOT / "src",
        copy / "src",
        ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
    )
    return copy


@pytest.fixture(scope="module")
def distributions(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("distributions")
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, sources),
        cwd=folder,
    )
    return folder


@pytest.fixture(scope="module")
def package_files(sources: Path) -> set[str]:
    """What the package holds, as paths that start with its name."""
    source = sources / "src"
    return {
        path.relative_to(source).as_posix()
        for path in (source / "napari_unet_nuclei").rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_file(MANIFEST)


def test_the_package_holds_manifest_and_models(package_files: set[str]) -> None:
    assert "napari_unet_nuclei/napari.yaml" in package_files
    assert "napari_unet_nuclei/py.typed" in package_files
    for model in ("resnet", "classic"):
        assert f"napari_unet_nuclei/weights/{model}.unetnuclei" in package_files


def test_the_wheel_holds_the_whole_package(
    distributions: Path, package_files: set[str]
) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    packed = {name for name in names if name.startswith("napari_unet_nuclei/")}
    assert packed == package_files
    assert metadata.replace("METADATA", "licenses/LICENSE") in names
    assert "License-Expression: BSD-3-Clause" in text


def test_the_sdist_holds_the_whole_package(
    distributions: Path, package_files: set[str]
) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"src/{name}" for name in package_files} <= inside
    assert {"LICENSE", "README.md", "napari.yaml", "pyproject.toml"} <= inside


def test_an_editable_install_is_found_by_napari(sources: Path, tmp_path: Path) -> None:
    wheel = run(
        *(sys.executable, "-c"),
        "import setuptools.build_meta as backend, sys;"
        "print(backend.build_editable(sys.argv[1]))",
        tmp_path,
        cwd=sources,
    ).splitlines()[-1]
    environment = venv.EnvBuilder(with_pip=False)
    environment.create(tmp_path / "venv")
    python = environment.ensure_directories(tmp_path / "venv").env_exe
    run(
        *(sys.executable, "-m", "pip", "--python", python),
        *("install", "--no-deps", "--no-index", tmp_path / wheel),
        cwd=tmp_path,
    )
    # What npe2 does, in words that need no npe2 in that environment.
    found = run(
        *(python, "-c"),
        "from importlib import metadata, util\n"
        "from pathlib import Path\n"
        "(entry,) = metadata.entry_points(group='napari.manifest')\n"
        "(folder,) = util.find_spec(entry.module).submodule_search_locations\n"
        "print(Path(folder, entry.attr).resolve())\n"
        "print(len(list(Path(folder, 'weights').glob('*.unetnuclei'))))\n",
        cwd=tmp_path,
    ).splitlines()
    package = sources / "src" / "napari_unet_nuclei"
    n_models = len(list((package / "weights").glob("*.unetnuclei")))
    assert found == [str((package / "napari.yaml").resolve()), str(n_models)]


def test_the_installed_plugin_is_the_one_under_test(manifest: PluginManifest) -> None:
    installed = PluginManifest.from_distribution("napari-unet-nuclei")
    assert installed.contributions == manifest.contributions
    version = importlib.metadata.version("napari-unet-nuclei")
    assert version == napari_unet_nuclei.__version__


def test_the_manifest_at_the_root_is_the_real_one() -> None:
    link = ROOT / "napari.yaml"
    if not link.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert link.readlink() == Path("src/napari_unet_nuclei/napari.yaml")
    assert link.samefile(MANIFEST)


def test_every_name_in_the_manifest_can_be_imported(manifest: PluginManifest) -> None:
    manifest.validate_imports()


def test_every_contribution_has_a_command_and_every_command_a_use(
    manifest: PluginManifest,
) -> None:
    points = manifest.contributions
    declared = [command.id for command in points.commands or []]
    assert len(declared) == len(set(declared))
    used = {
        contribution.command
        for kind in (points.readers, points.writers, points.widgets, points.sample_data)
        for contribution in kind or []
    }
    in_menus = {item.command for items in points.menus.values() for item in items}
    assert used | in_menus == set(declared)


def test_no_key_of_the_manifest_is_made_up(manifest: PluginManifest) -> None:
    """npe2 drops a contribution it does not know without a word."""
    import yaml

    written = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert set(written) <= set(PluginManifest.model_fields)
    points = manifest.contributions
    contributions = written["contributions"]
    pages = contributions.pop("configurations")  # which older npe2 does not know
    assert set(contributions) <= set(type(points).model_fields)
    for key, page in getattr(points, "configurations", {}).items():
        assert set(pages[key]) <= set(type(page).model_fields)
        for name, parsed in page.properties.items():
            assert set(pages[key]["properties"][name]) <= set(type(parsed).model_fields)
    for kind, entries in contributions.items():
        if kind == "menus":
            continue
        for entry, parsed in zip(entries, getattr(points, kind), strict=True):
            assert set(entry) <= set(type(parsed).model_fields), (kind, entry)


def test_every_menu_is_one_napari_has(manifest: PluginManifest) -> None:
    from napari._app_model.constants import MenuId

    assert set(manifest.contributions.menus) <= {
        str(menu.value) for menu in MenuId.contributables()
    }


def test_the_reader_claims_only_names_of_ours(manifest: PluginManifest) -> None:
    (reader,) = manifest.contributions.readers
    assert not reader.accepts_directories  # or every folder would bring up a question
    suffixes = ("tif", "tiff", "ome.tif", "ome.tiff", "png")
    masks = [f"*_masks.{suffix}" for suffix in suffixes]
    zips = ["stage1_*.zip", "stage2_*.zip", "*dsb2018*.zip"]
    outlines = ["*.roi", "*_rois.zip", "*oi?et*.zip", "*.geojson"]
    assert reader.filename_patterns == [*zips, *masks, *outlines]


def test_dependencies_have_lower_bounds_only() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in project["project"]["dependencies"]:
        name, at_least, version = requirement.partition(">=")
        assert at_least, requirement
        assert name.replace("-", "").isalnum(), requirement
        assert set(version) <= set("0123456789."), requirement
    names = {
        requirement.partition(">=")[0].lower()
        for requirement in project["project"]["dependencies"]
    }
    assert names.isdisjoint({"pandas", "pyqt5", "pyqt6", "pyside2", "pyside6"})
