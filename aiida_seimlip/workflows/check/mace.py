"""The check of a program with a given MACE potential: Python with mace-torch, or a LAMMPS that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.plugins import CalculationFactory

from aiida_seimlip.functions.check.mace import PRECISIONS, judge_mace_check, make_mace_cells, plan_mace_check
from aiida_seimlip.workflows.check.base import Jobs, Nodes, ProgramCheck

SPEEDS = tuple(f'speed_{name}' for name in PRECISIONS)


class MaceCheck(ProgramCheck):
    """A program that evaluates a MACE potential.

    :param is_lammps: whether the program is a LAMMPS, not a Python.
    """

    engine = 'mace'
    plugin_prefix = None

    def __init__(self, *, is_lammps: bool) -> None:
        self.is_lammps = is_lammps
        self.rounds = ('probe', 'points', *SPEEDS) if is_lammps else ('points', *SPEEDS)

    def prepare(self, parameters: orm.Dict, given: Nodes) -> Nodes:
        """Make the cells."""
        structure = {'structure': given['structure']} if 'structure' in given else {}
        return {
            'potential': given['potential'], **make_mace_cells(parameters, given['potential'], **structure),
            **({} if self.is_lammps else plan_mace_check(parameters, given['potential'])),
        }  # fmt: skip

    def plan(self, name: str, parameters: orm.Dict, made: Nodes, outputs: Mapping[str, Nodes], given: Nodes) -> Jobs:
        """Probe a LAMMPS; then single points side by side; then each measurement of speed by itself."""
        if name == 'probe':
            return {'probe': (CalculationFactory('seimlip.lammps.probe'), {})}
        if name == 'points' and self.is_lammps and 'results' in outputs.get('probe', {}):
            settings = {'options': given['options']} if 'options' in given else {}
            probe = outputs['probe']['results']
            made.update(plan_mace_check(parameters, given['potential'], probe=probe, **settings))
        if name != 'points':
            return {name: self._job(made, name, 'large')} if name in made else {}
        jobs = {point: self._job(made, point, 'small') for point in PRECISIONS if point in made}
        code = given.get('reference', {}).get('code')
        if jobs and code is not None:
            calculator = {'parameters': {'calculator': {'name': 'mace'}}, **given['reference'], 'code': code}
            inputs = {**calculator, 'frames': made['small'], 'potential': made['potential']}
            jobs['evaluation'] = (CalculationFactory('seimlip.ase'), inputs)
        return jobs

    def _job(self, made: Nodes, name: str, structure: str) -> tuple[Any, Nodes]:
        shared = {'potential': made['potential'], 'parameters': made[name]}
        if self.is_lammps:
            return CalculationFactory('seimlip.lammps'), {**shared, 'structure': made[structure]}
        if name in PRECISIONS:
            return CalculationFactory('seimlip.ase'), {**shared, 'frames': made[structure]}
        return CalculationFactory('seimlip.md'), {**shared, 'structure': made[structure]}

    def judge(self, parameters: orm.Dict, processes: orm.Dict, groups: Mapping[str, Nodes]) -> orm.Dict:
        """Compare the precisions, and LAMMPS with MACE's own evaluation."""
        return judge_mace_check(parameters, processes, **groups)

    def explain(self, given: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the inputs of the WorkChain for this program."""
        potential = given.get('potential')
        if potential is None:
            return 'Input `potential` is missing: the engine `mace` checks a program with a given one.'
        if potential.family != 'mace':
            return f'Input `potential` is of the family `{potential.family}`, but it is for checks with MACE.'
        if given.get('reference') and not self.is_lammps:
            return 'Input `reference` is what LAMMPS is compared with, but input `code` is a Python.'
        return None
