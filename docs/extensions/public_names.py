"""The directive ``public-names``: the docstring of each public name.

The names are those of ``napari_unet_nuclei.__all__``, and where docstrings mention
one as a type, it becomes a link.
"""

from __future__ import annotations

import enum
import inspect
from typing import TYPE_CHECKING

from sphinx.ext.autodoc.mock import mock
from sphinx.util.docutils import SphinxDirective

import napari_unet_nuclei

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.config import Config

_PACKAGE = napari_unet_nuclei.__name__
_NAMES = sorted(
    name for name in napari_unet_nuclei.__all__ if not name.startswith("__")
)
_OPTIONS = {
    "class": ["   :members:"],
    "choice": ["   :members:", "   :undoc-members:"],
    "error": [],
}


class PublicNames(SphinxDirective):
    """The reference of one kind of public names, see :func:`kind_of`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the docstrings."""
        with mock(self.config.autodoc_mock_imports):
            names = [
                name
                for name in _NAMES
                if kind_of(getattr(napari_unet_nuclei, name)) == self.arguments[0]
            ]
        if not names:
            raise self.error(f"no public name is a {self.arguments[0]}")
        lines = [line for name in names for line in self._document(name)]
        text = "\n".join(["```{eval-rst}", *lines, "```"])
        return self.parse_text_to_nodes(text)

    def _document(self, name: str) -> list[str]:
        if self.arguments[0] == "function":
            return [f".. autofunction:: {_PACKAGE}.{name}", ""]
        return [f".. autoclass:: {_PACKAGE}.{name}", *_OPTIONS[self.arguments[0]], ""]


def kind_of(value: object) -> str:
    """Return the kind of a public name: function, class, choice or error."""
    if not inspect.isclass(value):
        return "function"
    if issubclass(value, enum.Enum):
        return "choice"
    return "error" if issubclass(value, Exception) else "class"


def link_types(app: Sphinx, config: Config) -> None:
    """Let numpydoc link our own types only: its own links lead to other sites."""
    links = {name: f"{_PACKAGE}.{name}" for name in _NAMES}
    config.numpydoc_xref_aliases_complete = links


def skip_tuple_fields(
    app: Sphinx, what: str, name: str, member: object, *others: object
) -> bool | None:
    """Leave fields of named tuples to the docstring of their class."""
    is_field = str(getattr(member, "__doc__", "")).startswith("Alias for field number")
    return True if is_field else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("public-names", PublicNames)
    app.connect("autodoc-skip-member", skip_tuple_fields)
    app.connect("config-inited", link_types, priority=900)  # after numpydoc
    return {"parallel_read_safe": True}
