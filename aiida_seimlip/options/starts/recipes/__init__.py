"""Recipes that come with the package, by name: one YAML file each."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

SUFFIX = '.yaml'


def get_available_recipes() -> dict[str, str]:
    """Return the names of the recipes, and what each is for."""
    names = sorted(path.name.removesuffix(SUFFIX) for path in files(__name__).iterdir() if path.name.endswith(SUFFIX))
    return {name: _read(name)['description'] for name in names}


def get_recipe(name: str) -> dict[str, Any]:
    """Return a recipe: the content of `RecipeOptions`, without the defaults.

    :param name: of the recipe.
    :raises ValueError: if there is none of that name.
    """
    available = get_available_recipes()
    if name not in available:
        raise ValueError(f'There is no recipe `{name}`; there are {", ".join(f"`{one}`" for one in available)}.')
    content = _read(name)
    del content['description']
    return content


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(files(__name__).joinpath(f'{name}{SUFFIX}').read_text(encoding='utf-8'))
    return content
