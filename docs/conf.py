"""The site: make docs. Nothing is fetched when it is built or read."""

import neuraxis

project = "neuraxis"
author = "neuraxis contributors"
release = version = neuraxis.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.doctest", "numpydoc"]
extensions += ["matplotlib.sphinxext.plot_directive"]  # the gallery's blocks are run
# figures stay open for the directive, where a notebook would show what is returned
plot_pre_code = "import neuraxis.figures.shown\nneuraxis.figures.shown.showing = lambda figure: figure"
plot_include_source = True
plot_html_show_source_link = plot_html_show_formats = False
plot_formats = [("png", 110)]
exclude_patterns = ["site"]
autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autosummary_generate = True
numpydoc_show_class_members = False
# pages speak of files of the repository beside them, and tables of formulas in code spans
suppress_warnings = ["myst.xref_missing", "myst.header", "misc.highlighting_failure"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"description": "Atrophy subtypes and stages of brain and spinal cord", "page_width": "1100px"}
html_show_sourcelink = False
