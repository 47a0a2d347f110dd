"""Sphinx configuration. The tables of options and of the history are made from the code when the docs are built."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pydantic

import aiida_seimlip
import aiida_seimlip.options

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
myst_heading_anchors = 3
autodoc_typehints = 'description'
autodoc_member_order = 'bysource'
exclude_patterns = ['_build']
suppress_warnings = ['ref.python']

html_theme = 'furo'
html_title = f'aiida_seimlip {release}'
html_static_path = ['_static']
copybutton_prompt_text = r'\$ |>>> '
copybutton_prompt_is_regexp = True

HERE = Path(__file__).parent


def _describe(annotation: object) -> str:
    """Return a type in words short enough for a table."""
    text = inspect.formatannotation(annotation)
    for prefix in ('typing.', 'collections.abc.', 'pydantic.types.', 'aiida_seimlip.options.'):
        text = text.replace(prefix, '')
    return text.replace('|', '\\|')


def _table(model: type[pydantic.BaseModel]) -> str:
    rows = ['| option | type | default | meaning |', '|---|---|---|---|']
    for name, field in model.model_fields.items():
        default = '' if field.is_required() else f'`{field.get_default(call_default_factory=True)!r}`'
        if len(default) > 60:
            default = 'see below'
        meaning = ' '.join((field.description or '').split()).replace('|', '\\|')
        rows.append(f'| `{name}` | {_describe(field.annotation)} | {default} | {meaning} |')
    return '\n'.join(rows)


def _write_options_page() -> None:
    """Write a page with the table of every options model."""
    lines = ['# Options', '', 'Every `Dict` port is checked against one of these models when a job is submitted.', '']
    for module_info in sorted(pkgutil.iter_modules(aiida_seimlip.options.__path__), key=lambda info: info.name):
        module = importlib.import_module(f'aiida_seimlip.options.{module_info.name}')
        models = [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and issubclass(value, pydantic.BaseModel)
            and value.__module__ == module.__name__
            and value.model_fields
        ]
        for model in models:
            summary = (inspect.getdoc(model) or '').split('\n\n')[0]
            lines += [f'## `{model.__name__}`', '', summary, '', _table(model), '']
    target = HERE / 'reference' / 'options.md'
    text = '\n'.join(lines)
    if not target.exists() or target.read_text(encoding='utf-8') != text:
        target.write_text(text, encoding='utf-8')


_write_options_page()
