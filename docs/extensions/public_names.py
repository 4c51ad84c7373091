"""The directive ``public-names``: the docstring of each public name.

The names are those of ``napari_unet_nuclei.__all__``, and where docstrings mention
one as a type, it becomes a link.
"""

from __future__ import annotations

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
_NAMES = [name for name in napari_unet_nuclei.__all__ if not name.startswith("__")]


class PublicNames(SphinxDirective):
    """The reference of one kind of public names: functions or classes."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the docstrings, those of functions or those of classes."""
        with mock(self.config.autodoc_mock_imports):
            values = {name: getattr(napari_unet_nuclei, name) for name in _NAMES}
        lines = []
        for name, value in sorted(values.items()):
            kind = "class" if inspect.isclass(value) else "function"
            if self.arguments[0] == kind:
                members = [":members:"] if kind == "class" else []
                lines += [f".. auto{kind}:: {_PACKAGE}.{name}"]
                lines += [f"   {member}" for member in members]
                lines += [""]
        text = "\n".join(["```{eval-rst}", *lines, "```"])
        return self.parse_text_to_nodes(text)


def link_types(app: Sphinx, config: Config) -> None:
    """Let numpydoc link our own types only: its own links lead to other sites."""
    links = {name: f"{_PACKAGE}.{name}" for name in _NAMES}
    config.numpydoc_xref_aliases_complete = links


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("public-names", PublicNames)
    app.connect("config-inited", link_types, priority=900)  # after numpydoc
    return {"parallel_read_safe": True}
