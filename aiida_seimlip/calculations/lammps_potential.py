"""What can be wrong with the potential of a LAMMPS job."""

from __future__ import annotations

from collections.abc import Iterator

from aiida_seimlip.calculations.validation import faults_of_potential
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.lammps import AUTO, LammpsOptions
from aiida_seimlip.science.formats.lammps_dialects import DIALECTS, KINDS, Dialect, fits


def faults_of_lammps_potential(
    potential: PotentialData, options: LammpsOptions | None, has_file: bool
) -> Iterator[str]:
    """Look for a potential that is not ready, or that the dialect does not read.

    :param options: of the run, None if they are not there yet.
    :param has_file: whether the input `potential_file` is there.
    """
    if options is not None and options.dialect != AUTO:
        dialect = DIALECTS[options.dialect]
        if not fits(dialect, potential.family, len(potential.members)):
            yield _explain_unfit(dialect, potential)
            return
        if potential.family == 'mace':
            yield from _faults_of_mace_file(dialect, potential, has_file, trusted=options.trust_model)
    with_grades = options is not None and options.with_grades
    if potential.family == 'mtp':
        yield from faults_of_potential('potential', potential, active_set=with_grades)
    elif with_grades and len(potential.members) < 2:
        yield (
            'Input `potential` is a single MACE potential, which knows no grades: set `with_grades` of input '
            '`parameters` to false, or give a committee.'
        )
    if potential.family == 'mtp' and (has_file or (options is not None and options.precision is not None)):
        what = 'Input `potential_file`' if has_file else 'Option `precision` of input `parameters`'
        yield f'{what} is for MACE, but input `potential` is a moment tensor potential.'


def _explain_unfit(dialect: Dialect, potential: PotentialData) -> str:
    n_members = len(potential.members)
    what = KINDS[potential.family] if n_members == 1 else 'committees of MACE potentials'
    fitting = [f'`{name}`' for name, other in DIALECTS.items() if fits(other, potential.family, n_members)]
    return (
        f'Input `parameters` leads to the dialect `{dialect.name}`, which does not read {what}, and input `potential` '
        f'is one: set `dialect` to {" or ".join(fitting)}.'
    )


def _faults_of_mace_file(dialect: Dialect, potential: PotentialData, has_file: bool, *, trusted: bool) -> Iterator[str]:
    if has_file and dialect.reads_committees:
        yield 'Input `potential_file` holds one model, but input `potential` is a committee.'
    elif has_file and dialect.runs_code and not trusted:
        yield (
            f'Input `potential_file` is for the dialect `{dialect.name}` a pickled model, which can run any code on '
            'the computer of the job: add `trust_model: true` to input `parameters` if you know who made it.'
        )
    elif dialect.file is not None and not has_file:
        yield f'Input `potential_file` is missing: the dialect `{dialect.name}` needs {dialect.file}.'
    elif not has_file and not potential.is_torchscript:
        yield (
            'Input `potential` is a pickled MACE model, which LAMMPS does not read: give one in TorchScript, such as '
            '`NAME_compiled.model` of `mace_run_train`, or input `potential_file`.'
        )
