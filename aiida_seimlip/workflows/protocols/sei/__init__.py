"""Builders of `SeiWorkChain` from protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder
from aiida.plugins import WorkflowFactory
from ase.data import atomic_numbers

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import SOCKETS
from aiida_seimlip.functions.starts.packing import gather_molecules
from aiida_seimlip.options.sei.sei import SeiOptions
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.options.starts.recipes import get_recipe
from aiida_seimlip.science.structures.molecules.molecule import symbols_of
from aiida_seimlip.workflows.protocols import (
    ProtocolMixin,
    elements_of_all,
    merge,
    resolve_codes,
    socket_inputs,
    without_replaced,
)
from aiida_seimlip.workflows.protocols.active_learning import CampaignProtocolMixin
from aiida_seimlip.workflows.protocols.starts import StartsProtocolMixin

CONDENSATION, RELAXATION, TEACHER = 'condensation', 'relaxation', 'teacher'
SEI_SOCKETS = (CONDENSATION, *SOCKETS, TEACHER, RELAXATION)
"""All jobs: those of starts and campaign, and the relaxation of crystals by the teacher and by potentials."""

MODELS = {'teacher': TEACHER, 'potential': RELAXATION}
"""Who runs the models that relax crystals, by their names in the section `lattices`."""

INSIDE: dict[str, type[ProtocolMixin]] = {'starts': StartsProtocolMixin, 'campaign': CampaignProtocolMixin}
"""Sections that stand for a workflow inside, and whose protocols they begin from."""


class SeiProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `SeiWorkChain`.

    The sections `starts` and `campaign` name a `protocol` of these workflows, and replace values of it. `options.seed`
    is that of the recipe, the condensation and the campaign. `lattices` holds the models that relax crystals.
    """

    protocol_folder: ClassVar[str] = 'sei'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'starts', 'campaign', 'lattices')
    protocol_default: ClassVar[str] = 'laptop'

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, those of the workflows inside complete.

        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol, in the same sections (`protocol_sections`). Lists
            are replaced as a whole.
        :return: the sections; `engines`: the name of the engine of each job; `seed`; and `protocols`: the name of the
            protocol of each workflow inside.
        :raises ValueError: if there is no such protocol or section.
        """
        given = dict(overrides or {})
        inside = {section: dict(given.pop(section, None) or {}) for section in INSIDE}
        inputs = super().get_protocol_inputs(protocol, given)
        seed, protocols = inputs['options'].pop('seed', None), {}
        for section, mixin in INSIDE.items():
            own = inputs.get(section, {})
            protocols[section] = inside[section].pop('protocol', own.pop('protocol', None))
            base = mixin.get_protocol_inputs(protocols[section])
            own['engines'] = {**base.get('engines', {}), **own.get('engines', {})}
            replaced = merge(without_replaced(own, inside[section]), inside[section])
            inputs[section] = mixin.get_protocol_inputs(protocols[section], replaced)
        inputs |= {'seed': seed, 'protocols': protocols}
        if seed is not None:
            inputs['campaign'] = merge(inputs['campaign'], {'options': {'seed': seed}})
        engines = {**inputs['starts'].get('engines', {}), **inputs['campaign'].get('engines', {})}
        inputs['engines'] = {**engines, **dict.fromkeys(MODELS.values(), 'ase')}
        return inputs

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        recipe: str | Mapping[str, Any] | None = None,
        structures: Mapping[str, orm.StructureData | FramesData] | None = None,
        *,
        molecules: Mapping[str, orm.StructureData | FramesData] | None = None,
        species: Sequence[str] | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for each job (`SEI_SOCKETS`); ``selection`` may be left out, it is that of
            ``training`` then, and so may ``teacher``, which is that of ``condensation`` then.
        :param recipe: which starts are packed (`RecipeOptions`), or the name of a recipe of the package.
        :param structures: starts that are there already, by name, instead of a recipe.
        :param molecules: geometries of those that are not built in, by name.
        :param species: chemical symbols in type order; by default those of the recipe, or of the structures, in order
            of atomic number.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol, section or recipe, or a code is missing.
        """
        if (recipe is None) == (structures is None):
            raise ValueError('Give either a `recipe`, or `structures` that are there already.')
        inputs = cls.get_protocol_inputs(protocol, overrides)
        found = resolve_codes(
            codes, SEI_SOCKETS, optional=(CONDENSATION, TEACHER, RELAXATION),
            stand_in={'selection': 'training', TEACHER: CONDENSATION},
        )  # fmt: skip
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        if recipe is not None:
            content = merge(
                get_recipe(recipe) if isinstance(recipe, str) else recipe, inputs['starts'].get('recipe', {})
            )
            builder.starts = _starts(content, molecules, inputs, found, scheduler_options)
            species = species or elements_of_recipe(RecipeOptions.from_node(content), molecules or {})
        else:
            builder.structures = dict(structures or {})
            species = species or elements_of_all(structures or {})
        builder.species = orm.List(list(species))
        builder.options = SeiOptions.serializer(inputs['options'])
        builder.campaign = _campaign(species, inputs, found, scheduler_options)
        if inputs['options'].get('lattices', {}) is not None:
            builder.lattices = {
                name: socket_inputs(settings, found.get(MODELS[name]), scheduler_options)
                for name, settings in inputs.get('lattices', {}).items() if settings
            }  # fmt: skip
        return builder


def _starts(
    recipe: Mapping[str, Any], molecules: Any, inputs: Mapping[str, Any], codes: Mapping[str, Any], options: Any
) -> dict[str, Any]:
    """Return the inputs of the workflow that makes the starts."""
    process: Any = WorkflowFactory('seimlip.starts')
    own = {socket: code for socket, code in codes.items() if socket == CONDENSATION}
    sections = {name: value for name, value in inputs['starts'].items() if name != 'recipe'}
    builder = process.get_builder_from_protocol(
        own, recipe, molecules, seed=inputs['seed'], protocol=inputs['protocols']['starts'], overrides=sections,
        scheduler_options=options,
    )  # fmt: skip
    return dict(builder._inputs(prune=True))


def _campaign(
    species: Sequence[str], inputs: Mapping[str, Any], codes: Mapping[str, Any], options: Any
) -> dict[str, Any]:
    """Return the inputs of the campaign without its starts and species."""
    process: Any = WorkflowFactory('seimlip.active_learning')
    own = {socket: code for socket, code in codes.items() if socket in SOCKETS}
    builder = process.get_builder_from_protocol(
        own, {}, species=species, protocol=inputs['protocols']['campaign'], overrides=inputs['campaign'],
        scheduler_options=options,
    )  # fmt: skip
    return {name: value for name, value in builder._inputs(prune=True).items() if name not in ('species', 'structures')}


def elements_of_recipe(recipe: RecipeOptions, molecules: Mapping[str, Any]) -> list[str]:
    """Return the chemical symbols of all molecules of a recipe, in order of atomic number.

    :param recipe: complete.
    :param molecules: geometries of those that are not built in, by name.
    :raises ValueError: if a molecule cannot be made.
    """
    symbols = symbols_of(gather_molecules(recipe, molecules).values())
    return sorted(symbols, key=lambda symbol: atomic_numbers[symbol])
