"""What is importable from the top: enough to annotate, call and catch."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import sys
import typing
from typing import TYPE_CHECKING, Any

import pytest

import napari_unet_nuclei
from napari_unet_nuclei import UNetNucleiError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = [name for name in napari_unet_nuclei.__all__ if not name.startswith("_")]
FUNCTIONS = [
    *("annotated_area", "evaluate", "find_doubtful_nuclei", "load_model"),
    *("measure_nuclei", "propose_tiles", "segment", "train"),
]
CLASSES = ["Maps", "MeasurementSettings", "Model", "SegmentationSettings"]


def public(name: str) -> Any:
    """Fetch a public name, which Python knows only by what it is."""
    return getattr(napari_unet_nuclei, name)


def type_checking_names(module: str) -> dict[str, object]:
    """Return what a module knows, with what it imports for type checkers alone."""
    source = inspect.getsource(sys.modules[module])
    names: dict[str, object] = dict(vars(sys.modules[module]))
    for node in ast.parse(source).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            body = compile(ast.Module(node.body, []), module, "exec")
            exec(body, names)  # noqa: S102 - our own imports
    return names


def hints(annotated: Any) -> dict[str, object]:
    """Return what a function or class says of the types it takes and returns."""
    return typing.get_type_hints(
        annotated, localns=type_checking_names(annotated.__module__)
    )


def signatures(name: str) -> Iterator[Any]:
    """List a function, or a class with its methods and properties, as annotated."""
    value = public(name)
    yield value
    if not inspect.isclass(value):
        return
    for member_name, member in vars(value).items():
        member = member.fget if isinstance(member, property) else member
        is_ours = getattr(member, "__module__", "").startswith("napari_unet_nuclei")
        is_public = member_name == "__init__" or not member_name.startswith("_")
        if inspect.isfunction(member) and is_public and is_ours:
            yield inspect.unwrap(member)


def mentioned(hint: object) -> Iterator[type]:
    """List the classes of this package that a type is made of."""
    if inspect.isclass(hint) and hint.__module__.startswith("napari_unet_nuclei."):
        yield hint
    for argument in typing.get_args(hint):
        yield from mentioned(argument)


def test_the_names_that_others_script_against_are_there() -> None:
    others = {"Sample", "Scores", "TrainingSettings", "UNetNucleiError"}
    assert {*FUNCTIONS, *CLASSES, *others} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_can_be_imported(name: str) -> None:
    assert public(name).__name__ == name


@pytest.mark.parametrize("name", NAMES)
def test_what_a_public_signature_mentions_is_public(name: str) -> None:
    types = {
        each
        for annotated in signatures(name)
        for hint in hints(annotated).values()
        for each in mentioned(hint)
    }
    hidden = {each.__name__ for each in types if each.__name__ not in NAMES}
    assert hidden == set()
    assert all(public(each.__name__) is each for each in types)


@pytest.mark.parametrize("name", NAMES)
def test_an_error_that_is_documented_can_be_caught(name: str) -> None:
    said = "\n".join(inspect.getdoc(each) or "" for each in signatures(name))
    raised = re.findall(r"^Raises\n-+\n((?:.+\n?)*)", said, re.MULTILINE)
    errors = re.findall(r"^\w.*", "".join(raised), re.MULTILINE)
    names = set(re.findall(r"\w+Error", "\n".join(errors)))
    assert names <= set(NAMES)
    assert all(issubclass(public(each), UNetNucleiError) for each in names)


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_the_examples_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestFinder(exclude_empty=True).find(public(name), name)
    assert any(test.examples for test in examples)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in examples:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
