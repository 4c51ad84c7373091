"""How Sphinx builds the documentation: `tox run -e docs`.

Nothing is fetched while it builds, and neither Keras nor OpenVINO is needed: the
reference of Python and of the command line comes from the sources, with the heavy
libraries mocked.
"""

from __future__ import annotations

import sys
from pathlib import Path

from napari_unet_nuclei import __version__

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "napari-unet-nuclei"
author = "The napari-unet-nuclei developers"
project_copyright = author
version = release = __version__

extensions = [
    "command_line",
    "myst_parser",
    "numpydoc",
    "public_names",
    "sphinx.ext.autodoc",
]
exclude_patterns = ["_build"]
smartquotes = False  # two hyphens begin an option
nitpicky = True  # a link that leads nowhere is a warning, and tox makes it an error
# Docstrings may name what is not public; on these pages it stays text.
nitpick_ignore_regex = [("py:.*", r"napari_unet_nuclei\.core\..*|LossTerm")]

# Markdown: headings can be linked to, as on GitHub.
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3

# The reference of Python: types are said in docstrings, with shapes and units.
autodoc_mock_imports = [
    "PIL",
    "h5py",
    "imagecodecs",
    "keras",
    "matplotlib",
    "openvino",
    "platformdirs",
    "psutil",
    "requests",
    "scipy",
    "skimage",
    "tifffile",
]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # of types, only names of this package become links

html_theme = "pydata_sphinx_theme"
html_title = "napari-unet-nuclei"
html_show_sourcelink = False
html_theme_options = {
    "github_url": "https://github.com/napari-unet-nuclei/napari-unet-nuclei",
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
