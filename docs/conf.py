"""Sphinx configuration. Parts of the reference are made from the code when the docs are built, see `_generate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
(HERE / '_build' / 'aiida').mkdir(parents=True, exist_ok=True)
os.environ['AIIDA_PATH'] = str(HERE / '_build' / 'aiida')  # before AiiDA is imported, which makes a folder there
sys.path.insert(0, str(HERE))

from aiida import load_profile  # noqa: E402
from aiida.storage.sqlite_temp import SqliteTempBackend  # noqa: E402

load_profile(SqliteTempBackend.create_profile('docs'), allow_switch=True)  # in memory; for defaults that are nodes

from _generate import write_all  # noqa: E402

import aiida_seimlip  # noqa: E402

project = 'aiida_seimlip'
copyright = '2026, The aiida_seimlip developers'
author = 'The aiida_seimlip developers'
release = aiida_seimlip.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.mathjax',
    'sphinx_copybutton',
]
myst_enable_extensions = ['colon_fence', 'deflist', 'dollarmath', 'fieldlist']
myst_heading_anchors = 4
default_role = 'literal'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
autodoc_member_order = 'bysource'
toc_object_entries_show_parents = 'hide'
exclude_patterns = ['_build', '_generate', 'reference/_generated']
suppress_warnings = ['ref.python']

html_theme = 'furo'
html_title = f'aiida_seimlip {release}'
html_static_path = ['_static']
copybutton_prompt_text = r'\$ |>>> '
copybutton_prompt_is_regexp = True

write_all(HERE / 'reference' / '_generated')
