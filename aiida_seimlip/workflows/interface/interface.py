"""The WorkChain ``seimlip.interface``: interfaces of two crystals by several models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, ProcessBuilder, ProcessSpec, if_, while_
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.crystal.property import MINIMA
from aiida_seimlip.functions.interface.interface import interface_parameters, make_candidates, make_scan
from aiida_seimlip.functions.interface.interface_dynamics import choose_starts, measure_dynamics
from aiida_seimlip.functions.interface.interface_frames import STAGES
from aiida_seimlip.functions.interface.interface_measures import measure_interfaces
from aiida_seimlip.functions.interface.surface import gather_conventional_cells
from aiida_seimlip.options.interface.interface import InterfaceOptions
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.model_inputs import ENGINE
from aiida_seimlip.workflows.protocols import merge
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin

SCAN = 'scan'
"""Name of the job that scans registry and gap."""
DYNAMICS = 'dynamics'
"""Name of the job that runs dynamics."""


class InterfaceWorkChain(CrystalProtocolMixin, CrystalPropertyWorkChain):
    """Find coherent interfaces of two crystals and their energies, with several models.

    Faces of whole units are matched, strained to a common cell and laid on each other. One model scans registry and gap
    of rigid layers; the best are relaxed by each model, and so are the two crystals, strained as in the interface, and
    both slabs. All models get the same structures, which are built from the minima of one of them. The output
    `properties` is an `InterfaceComparison`.
    """

    protocol_folder: ClassVar = 'interface'
    options_class: ClassVar = InterfaceOptions
    options_help: ClassVar = 'Which faces of which crystals, how they are matched, and what is scanned and relaxed.'
    gather: ClassVar = staticmethod(gather_conventional_cells)

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_relax)(
                cls.queue_relaxations,
                while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
                cls.inspect_relaxations,
            ),
            cls.queue_scan,
            while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
            cls.inspect_scan,
            cls.queue_evaluations,
            while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
            cls.inspect_evaluations,
            cls.compare,
            if_(cls.should_move)(
                cls.queue_dynamics,
                while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
                cls.inspect_dynamics,
            ),
            cls.results,
        )
        spec.output('plan', valid_type=orm.Dict, required=False, help='Which interfaces were built, and the scan.')
        spec.output(
            SCAN, valid_type=FramesData, required=False, help='Interfaces of rigid layers, by the model that scans.'
        )
        spec.output(
            DYNAMICS, valid_type=orm.Dict, required=False, help='What became of the layers in dynamics.'
        )  # fmt: skip
        spec.output(
            'profiles', valid_type=orm.ArrayData, required=False,
            help='Profiles along the normal, before and at the end of dynamics, by model and number of the interface.',
        )  # fmt: skip
        spec.output_namespace(
            'trajectories', valid_type=FramesData, dynamic=True, required=False,
            help='Samples of dynamics by each model, those of one interface after those of the other.',
        )  # fmt: skip

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structures: Mapping[str, orm.StructureData | FramesData] | None = None,
        potentials: Mapping[str, PotentialData] | None = None,
        *,
        film: str | None = None,
        substrate: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: see `CrystalProtocolMixin`, as all that is not told here.
        :param structures: crystals by name.
        :param potentials: models that are potentials, by name.
        :param film: name of the crystal above, a phase of the package or one of `structures`.
        :param substrate: name of the crystal below.
        :param overrides: values that replace those of the protocol.
        :param settings: the other arguments.
        """
        named = {side: name for side, name in (('film', film), ('substrate', substrate)) if name is not None}
        return super().get_builder_from_protocol(
            codes, structures, potentials, overrides=merge(overrides or {}, {'options': named}), **settings
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs, and that the crystals have an interface in the geometry given."""
        fault = super().validate_inputs(inputs, _)
        if fault is not None or InterfaceOptions.explain(inputs['options'], 'options'):
            return fault
        return next(_faults_of_interfaces(inputs, InterfaceOptions.from_node(inputs['options'])), None)

    @cached_property
    def settings(self) -> InterfaceOptions:
        """The options."""
        return InterfaceOptions.from_node(self.inputs.options)

    def setup(self) -> None:
        """Gather the crystals, and prepare the jobs of each model."""
        super().setup()
        for name, model in self.inputs.models.items():  # none of which is an engine
            made = interface_parameters(self._options, model['parameters'])
            self.ctx.parameters[name] = {**self.ctx.parameters[name], **made}

    def queue_scan(self) -> ExitCode | None:
        """Scan registry and gap with one model, of layers from the minima of one."""
        whole = [name for name in self._in_order() if self._has_all_minima(name)]
        if not whole:
            reason = '; '.join(self.ctx.problems.values()) or 'no model has relaxed both crystals'
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason=reason)
        self.ctx.built_with = orm.Str(whole[0]).store()
        self.ctx.scanned_with = orm.Str(self._scan_model()).store()
        frames = make_scan(self._options, self.ctx.names, self._minima)
        if not frames.n_frames:
            reason = 'the faces of the minima have no common cell, or all atoms would be too near (option `gaps`)'
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason=reason)
        self._queue(self.ctx.scanned_with.value, SCAN, frames)
        return None

    def inspect_scan(self) -> ExitCode | None:
        """Choose what is relaxed."""
        name = self.ctx.scanned_with.value
        if not self.has(name, SCAN):
            return self.exit_codes.ERROR_NO_PROPERTY.format(
                reason=self.ctx.problems.get(name, f'`{name}` has evaluated no interface')
            )
        scan = self.ctx.found[name].pop(SCAN)
        self.out(SCAN, scan['labelled'])
        model = {'potential': self.inputs.models[name]['potential']} if 'potential' in self.inputs.models[name] else {}
        made = make_candidates(
            self._options, self.ctx.names, self._minima, self.ctx.built_with, self.ctx.scanned_with,
            scan={**scan, **model},
        )  # fmt: skip
        self.ctx.plan = made['plan']
        self.ctx.structures = {stage: made[stage] for stage in STAGES if stage in made}
        self.out('plan', self.ctx.plan)
        return None

    def queue_evaluations(self) -> ExitCode | None:
        """Relax interfaces, strained crystals and slabs with each model."""
        for name in (name for name in self.ctx.found if self.has(name, MINIMA)):
            for stage, frames in self.ctx.structures.items():
                self._queue(name, stage, frames)
        return None

    def inspect_evaluations(self) -> None:
        """Take what there is, be it of some models only."""
        self.out('frames', {
            f'{name}_{stage}': self.ctx.found[name][stage]['labelled']
            for name in self.ctx.found for stage in STAGES if self.has(name, stage)
        })  # fmt: skip

    def compare(self) -> None:
        """Compare the energies of interfaces by all models."""
        measured = measure_interfaces(
            self._options, self.ctx.names, self._minima, self.ctx.plan, models=self.ctx.found,
            structures=self.ctx.structures,
        )  # fmt: skip
        self.ctx.properties = measured['properties']
        self.out_many(measured)

    def should_move(self) -> bool:
        """Return whether dynamics of the interfaces is wanted."""
        return self.settings.dynamics is not None

    def queue_dynamics(self) -> None:
        """Run dynamics of the best interfaces of each model."""
        self.ctx.starts = {}
        place = 'slabs' if self.settings.has_vacuum else 'cells'
        for name in (name for name in self.ctx.found if self.has(name, place)):
            relaxed = self.ctx.found[name][place]
            starts = choose_starts(
                self.ctx.properties, relaxed['labelled'], relaxed['results'], orm.Str(name)
            )  # fmt: skip
            if starts.n_frames:
                self.ctx.starts[name] = starts
                self._queue(name, DYNAMICS, starts)

    def inspect_dynamics(self) -> None:
        """Take what became of the layers."""
        models = {name: {**self.ctx.found[name].get(DYNAMICS, {}), 'starts': starts}
                  for name, starts in self.ctx.starts.items()}  # fmt: skip
        if models:
            self.out_many(measure_dynamics(self._options, self.ctx.properties, models=models))
        self.out('trajectories', {name: found['labelled'] for name, found in models.items() if 'labelled' in found})

    def results(self) -> ExitCode | None:
        """Say which model is missing."""
        if not self.ctx.problems:
            return None
        name, reason = next(iter(self.ctx.problems.items()))
        return self.exit_codes.ERROR_MODEL_FAILED.format(name=name, reason=reason)

    @property
    def _minima(self) -> FramesData:
        """The minima that layers are cut from."""
        node: FramesData = self.ctx.found[self.ctx.built_with.value][MINIMA]['labelled']
        return node

    def _in_order(self) -> list[str]:
        """Return the names of the models, the reference first."""
        return sorted(self.inputs.models, key=lambda name: name != self.settings.reference)

    def _scan_model(self) -> str:
        """Return the name of the model that scans."""
        potentials = [name for name, model in self.inputs.models.items() if 'potential' in model]
        return self.settings.scan_model or next(iter([*potentials, *self.inputs.models]))

    def _has_all_minima(self, name: str) -> bool:
        minima = self.ctx.found[name].get(MINIMA, {}).get('labelled')
        return minima is not None and minima.n_frames == len(self.ctx.names.get_list())


def _faults_of_interfaces(inputs: Mapping[str, Any], options: InterfaceOptions) -> Iterator[str]:
    """Yield what is wrong with the crystals of an interface, in sentences."""
    structures = inputs.get('structures') or {}
    crystals: dict[str, Atoms] = {name: options.geometry_of(name) for name in options.crystals}
    crystals |= {name: get_frame(node).to_atoms()[0] for name, node in structures.items()}
    for side in ('film', 'substrate'):
        if getattr(options, side) not in crystals:
            yield f'Input `options` names the {side} `{getattr(options, side)}`, which is not among the crystals.'
            return
    others = sorted(set(structures) - {options.film, options.substrate})
    if others:
        yield f'Input `structures` holds `{others[0]}`, which is neither `film` nor `substrate` of input `options`.'
    if options.scan_model is not None and options.scan_model not in inputs['models']:
        yield f'Input `options` names the model `{options.scan_model}` for the scan, which is not among the models.'
    for name, model in inputs['models'].items():
        if ENGINE in model:
            yield f'Input `models.{name}.{ENGINE}` evaluates frames as they are, and relaxes no interface.'
    interfaces, reasons = options.plan(crystals[options.film], crystals[options.substrate])
    if not interfaces:
        yield f'Input `options` leaves no interface of the crystals as they are given: {" ".join(reasons)}'
