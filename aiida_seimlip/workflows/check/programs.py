"""What is done to check each kind of program: the jobs, round by round, and who judges them.

A program is told by the engine that drives it: `lammps`, `mlip3`, or any engine of the socket `reference`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiida import orm
from aiida.plugins import CalculationFactory

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import elements_of, faults_of_structure
from aiida_seimlip.engines.contract import SocketWorkChain, engine_names, load_engine
from aiida_seimlip.functions.check.alloy import make_alloy
from aiida_seimlip.functions.check.lammps import BROKE, judge_lammps_check, plan_lammps_check
from aiida_seimlip.functions.check.mlip3 import judge_mlip3_check
from aiida_seimlip.functions.check.reference import judge_reference_check, make_small_cells
from aiida_seimlip.options.check.check import CheckOptions
from aiida_seimlip.workflows.check.base import Job, Jobs, Nodes, ProgramCheck
from aiida_seimlip.workflows.check.mace import MaceCheck


class LammpsCheck(ProgramCheck):
    """LAMMPS with a moment tensor potential."""

    engine = 'lammps'
    plugin_prefix = 'seimlip.lammps'
    rounds = ('probe', 'points', 'speed_plain', 'speed_graded')
    expected = MappingProxyType({'breaking': BROKE})

    def prepare(self, parameters: orm.Dict, given: Nodes) -> Nodes:
        """Make nothing yet: the program may not be able to use it."""
        return {}

    def plan(self, name: str, parameters: orm.Dict, made: Nodes, outputs: Mapping[str, Nodes], given: Nodes) -> Jobs:
        """Probe the program; then single points side by side; then each measurement of speed by itself."""
        if name == 'probe':
            return {'probe': (CalculationFactory('seimlip.lammps.probe'), {})}
        if name == 'points' and 'results' in outputs.get('probe', {}):
            settings = {'options': given['options']} if 'options' in given else {}
            made.update(plan_lammps_check(parameters, outputs['probe']['results'], **settings))
            made.update(make_alloy(parameters) if made else {})
        if 'plain' not in made:
            return {}
        if name != 'points':
            return {name: self._job(made, name, 'large')}
        return {
            'plain': self._job(made, 'plain', 'resting'), 'graded': self._job(made, 'graded', 'resting'),
            'subset': self._job(made, 'plain', 'subset'), 'breaking': self._job(made, 'breaking', 'compressed'),
        }  # fmt: skip

    @staticmethod
    def _job(made: Nodes, parameters: str, structure: str) -> Job:
        inputs = {'structure': made[structure], 'potential': made['potential'], 'parameters': made[parameters]}
        return CalculationFactory('seimlip.lammps'), inputs

    def judge(self, parameters: orm.Dict, processes: orm.Dict, groups: Mapping[str, Nodes]) -> orm.Dict:
        """Compare with our own evaluation of the same potential."""
        return judge_lammps_check(parameters, processes, **groups)


class Mlip3Check(ProgramCheck):
    """MLIP-3's program ``mlp``."""

    engine = 'mlip3'
    plugin_prefix = 'seimlip.mlip3.'
    rounds = ('ours', 'theirs')

    def prepare(self, parameters: orm.Dict, given: Nodes) -> Nodes:
        """Make the potential and the frames."""
        return dict(make_alloy(parameters))

    def plan(self, name: str, parameters: orm.Dict, made: Nodes, outputs: Mapping[str, Nodes], given: Nodes) -> Jobs:
        """Train, and let the program read a potential of ours; then let it read its own."""
        evaluate, grade, select, train = (
            CalculationFactory(f'seimlip.mlip3.{command}') for command in ('evaluate', 'grade', 'select', 'train')
        )
        test, training = {'frames': made['test']}, {'training': {'alloy': made['training']}}
        if name == 'ours':
            ours = {'potential': made['potential']}
            limit = {'parameters': {'iteration_limit': CheckOptions.from_node(parameters).iteration_limit}}
            return {
                'train': (train, {'start': made['untrained'], **training, **limit}),
                'evaluate': (evaluate, {**ours, **test}), 'grade': (grade, {**ours, **test}),
                'select': (select, {**ours, **training, 'candidates': made['candidates']}),
            }  # fmt: skip
        if 'potential' not in outputs.get('train', {}):
            return {}
        own = {'potential': outputs['train']['potential']}
        return {'evaluate_own': (evaluate, {**own, **test}), 'grade_own': (grade, {**own, **test})}

    def judge(self, parameters: orm.Dict, processes: orm.Dict, groups: Mapping[str, Nodes]) -> orm.Dict:
        """Compare with what our own code makes of the same potentials."""
        return judge_mlip3_check(parameters, processes, **groups)


class ReferenceCheck(ProgramCheck):
    """A program that labels frames.

    :param engine: name of the engine of the socket `reference`.
    """

    rounds = ('label', 'cells')

    def __init__(self, engine: str) -> None:
        self.engine = engine

    @property
    def process(self) -> type[SocketWorkChain]:
        """The adapter.

        :raises ValueError: if what it stands on is not installed.
        """
        return load_engine('reference', self.engine)

    @property
    def plugin_prefix(self) -> str | None:  # type: ignore[override]
        """That of the adapter; None if the adapter runs no program, or what it stands on is not installed."""
        try:
            return self.process.plugin_prefix or None
        except ValueError:
            return None

    def prepare(self, parameters: orm.Dict, given: Nodes) -> Nodes:
        """Lay out the displaced and strained cells, and one crystal in several."""
        structure = {'structure': given['structure']} if 'structure' in given else {}
        settings = given.get('reference', {})
        known = {'settings': settings['parameters']} if 'parameters' in settings else {}
        return {**make_small_cells(parameters, **structure), **structure, **known}

    def plan(self, name: str, parameters: orm.Dict, made: Nodes, outputs: Mapping[str, Nodes], given: Nodes) -> Jobs:
        """Label all frames in one call, and the cells in another, so that the first tells how fast the program is.

        Labels of an earlier check say nothing of the program as it is now.
        """
        if name == 'cells' and ('cells' not in made or 'frames' not in outputs.get('label', {})):
            return {}
        settings = {**given.get('reference', {}), **({'options': given['options']} if 'options' in given else {})}
        frames = made['frames' if name == 'label' else name]
        return {name: (self.process, {**settings, 'frames': frames, 'reuse_labels': orm.Bool(False)})}

    def judge(self, parameters: orm.Dict, processes: orm.Dict, groups: Mapping[str, Nodes]) -> orm.Dict:
        """Compare forces and stress with differences of energies."""
        return judge_reference_check(parameters, processes, **groups)

    def explain(self, given: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the settings of the engine."""
        if 'structure' in given:
            n_frames = getattr(given['structure'], 'n_frames', 1)
            if n_frames != 1:
                return f'Input `structure` holds {n_frames} frames, but exactly one is needed.'
            fault = next(faults_of_structure('structure', given['structure']), None)
            if fault is not None:
                return fault
        settings = {**given.get('reference', {}), 'code': given['code']}
        if 'options' in given:
            settings['options'] = given['options']
        elements = elements_of(given['structure']) if 'structure' in given else self._elements(given)
        return self.process.explain_settings('reference', settings, species=elements)

    @staticmethod
    def _elements(given: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the elements of the small cell; none if the options, of which their port says so, are wrong."""
        parameters = given.get('parameters')
        return () if CheckOptions.explain(parameters, 'parameters') else CheckOptions.from_node(parameters).elements


def find_check(
    code: orm.AbstractCode, engine: str | None = None, *, potential: PotentialData | None = None
) -> ProgramCheck:  # fmt: skip
    """Return the check for a program.

    :param code: whose default plugin tells what it is, if `engine` is None.
    :param engine: that drives the program.
    :param potential: of MACE, where the program is to be checked with a given one.
    :raises ValueError: if there is none; the message is one sentence.
    """
    known: dict[str, ProgramCheck] = {'lammps': LammpsCheck(), 'mlip3': Mlip3Check()}
    known |= {name: ReferenceCheck(name) for name in engine_names('reference')}
    plugin = code.default_calc_job_plugin
    names = ', '.join(known)
    if potential is not None and potential.family == 'mace' and engine in (None, 'lammps', 'ase'):
        is_lammps = engine == 'lammps' or (engine is None and (plugin or '').startswith('seimlip.lammps'))
        return MaceCheck(is_lammps=is_lammps)
    if engine is not None:
        if engine not in known:
            raise ValueError(f'Input `engine` is `{engine}`, but there are checks for {names}.')
        return known[engine]
    if not plugin:
        raise ValueError(f'Input `code` has no default plugin that would tell what it is: give `engine` ({names}).')
    for check in known.values():
        prefix = check.plugin_prefix
        if prefix and plugin.startswith(prefix):
            return check
    raise ValueError(f'Input `code` is a code for `{plugin}`, which no engine drives: there are {names}.')
