"""The documentation site, made by Sphinx from ``docs/``: ``make site``, into ``build/site/``.

What a page says by code (names, commands, tables, pictures) is made while it is built, by
``extension.py``. Nothing is fetched: fonts, scripts and the search's index lie beside the pages.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

project = "image-pipeline"
author = "its authors"
copyright = f"{author}, Apache-2.0"  # noqa: A001 - Sphinx's name
html_title = project
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "docs.site.extension",
]
root_doc = "index"
smartquotes = False
exclude_patterns = ["site"]

# Every reference in pages and docstrings must lead somewhere; what is not ours has no page here.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!pipeline).*")]
# A folder of how-to pages may be empty; that no page is left out is checked by Sphinx itself.
suppress_warnings = ["toc.empty_glob", "config.cache"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_url_schemes = {
    "http": None,
    "https": None,
    "mailto": None,
    # What a link to a file outside docs/ becomes: a page with that file's text.
    "source": "{{path}}",
}

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_static_path = ["static"]
html_favicon = "static/icon.svg"
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "tango"
pygments_dark_style = "monokai"
html_theme_options = {"navigation_with_keys": True}
