"""Which models a calculator knows by name, and whether their weights are where its package is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PretrainedModels:
    """The models that a calculator knows by name: some lie in its package, others are downloaded at the first use.

    :param argument: keyword argument that names the model, or the path of a file.
    :param in_package: names of the models whose weights the package holds; compared without regard to capitals.
    :param version: of the package in which they were found; empty if it holds none.
    :param aliases: other names of the same.
    """

    argument: str
    in_package: tuple[str, ...] = ()
    version: str = ''
    aliases: tuple[str, ...] = ()

    def explain_download(self, kwargs: Mapping[str, Any]) -> str | None:
        """Say which model the calculator would have to download.

        :param kwargs: of the calculator, its defaults included.
        :return: one sentence without a full stop, None if there is nothing to download.
        """
        value = kwargs.get(self.argument)
        if value is not None and not isinstance(value, str):
            return None
        if value is not None and ('/' in value or value.lower() in _lower(self.in_package + self.aliases)):
            return None
        what = f'`kwargs.{self.argument}` is `{value}`' if value else f'`kwargs.{self.argument}` is not given'
        held = f'the path of a file there, or one of those in the package ({self.version}): {_list(self.in_package)}'
        return (
            f'{what}, so that the job would download the weights of a model, which fails on a computer without a '
            f'network: name {held if self.in_package else "the path of a file there"}; or add `allow_download: true`'
        )


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def _list(names: tuple[str, ...]) -> str:
    return ', '.join(f'`{name}`' for name in names)


CHGNET = PretrainedModels('model_name', ('0.3.0', '0.2.0', 'r2scan'), 'chgnet 0.4.2')
SEVENNET = PretrainedModels(
    'model', ('7net-0', '7net-0_22May2024', '7net-l3i5', '7net-mf-0'), 'sevenn 0.13.0',
    aliases=(
        '7net-0_11Jul2024', '7net-0_11July2024', 'SevenNet-0', 'SevenNet-0_11Jul2024', 'SevenNet-0_11July2024',
        'SevenNet-0_22May2024', 'SevenNet-l3i5', 'SevenNet-mf-0',
    ),
)  # fmt: skip

BY_TARGET: dict[str, PretrainedModels] = {
    'mace.calculators:mace_mp': PretrainedModels('model'),
    'mace.calculators:mace_off': PretrainedModels('model'),
    'mace.calculators:mace_omol': PretrainedModels('model'),
    'mattersim.forcefield:MatterSimCalculator': PretrainedModels('load_path'),
    'sevenn.calculator:SevenNetCalculator': SEVENNET,
    'sevenn.calculator:SevenNetD3Calculator': SEVENNET,
}
"""The models of calculators that are named by their module, which have none in their package unless they are known."""
