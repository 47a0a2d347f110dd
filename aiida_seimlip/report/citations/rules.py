"""Which programs and papers each kind of process makes use of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from aiida import orm

PACKAGE, AIIDA = 'aiida-seimlip', 'aiida-core'

MOMENT_TENSORS = ('Shapeev2016MTP',)
SELECTION = ('Podryabinkin2017Active', 'Podryabinkin2023MLIP3')
DEFECTS = ('Ong2013pymatgen', 'Shen2024Defects', 'Togo2024spglib')
SURFACES = ('Togo2024spglib', 'Ong2013pymatgen', 'Fiorentini1996Surface')
INTERFACES = ('Togo2024spglib', 'Zur1984Match')
ORDER = ('Honeycutt1987Clusters', 'Stukowski2012Structure')
PHONONS = ('Togo2023phonopy', 'Togo2024spglib', 'Hinuma2017seekpath')
XTB = {'GFN1-xTB': ('Grimme2017GFN1',), 'GFN2-xTB': ('Bannwarth2019GFN2',)}
DAMPED = {'d3bj': ('Grimme2010D3', 'Grimme2011BJ'), 'd3': ('Grimme2010D3',), 'd3zero': ('Grimme2010D3',)}

CALCULATORS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    'abinit': ('ABINIT', '', ('Gonze2020ABINIT',)),
    'chgnet': ('CHGNet', 'chgnet', ('Deng2023CHGNet',)),
    'emt': ('ASE', 'ase', ('Jacobsen1996EMT',)),
    'espresso': ('Quantum ESPRESSO', '', ('Giannozzi2017QE',)),
    'gpaw': ('GPAW', 'gpaw', ('Mortensen2024GPAW',)),
    'mace': ('MACE', 'mace-torch', ('Batatia2022MACE',)),
    'motep': ('motep', 'motep', MOMENT_TENSORS),
    'mtp': (PACKAGE, PACKAGE, MOMENT_TENSORS),
    'sevennet': ('SevenNet', 'sevenn', ('Park2024SevenNet',)),
    'tblite': ('tblite', 'tblite', ()),
    'vasp': ('VASP', '', ('Kresse1996VASP', 'Kresse1999PAW')),
    'xtb': ('xTB', 'xtb', ()),
}
"""Program, package whose version a job records, and papers, by the name of the calculator."""

IN_ASE = ('lj', 'morse')
"""Calculators that are part of ASE and have no paper of their own."""


PACKERS = {'packmol': ('Martinez2009Packmol',), 'ase-ga': ('Vilhelmsen2014StartGenerator',)}
"""Papers by the name of the program that packed molecules."""

METHODS: dict[str, tuple[str, ...]] = {
    **XTB,
    'PBE': ('Perdew1996PBE',),
    'D3(BJ)': DAMPED['d3bj'],
    'D3(0)': DAMPED['d3'],
    'CHGNet': ('Deng2023CHGNet',),
}
"""Papers by a word of the label of a method."""


class Use(NamedTuple):
    """One process made use of one program."""

    program: str
    purpose: str
    keys: tuple[str, ...] = ()
    version: str | None = None


def uses_of(process: orm.ProcessNode) -> Iterator[Use]:
    """Return what one process itself made use of.

    :param process: of any kind.
    """
    recorded = process.base.attributes.get('version', {})
    yield Use(PACKAGE, 'the workflow', ('Li2025SEI',), recorded.get('plugin') if _is_own(process) else None)
    yield Use(
        AIIDA, 'running jobs and keeping their provenance', ('Huber2020AiiDA', 'Uhrin2021AiiDA'), recorded.get('core')
    )
    rule = RULES.get(entry_point_of(process)) or RULES.get(process.process_label or '')
    if rule is not None:
        yield from rule(process)


def of_lammps(job: orm.ProcessNode) -> Iterator[Use]:
    """Tell what molecular dynamics with LAMMPS used."""
    yield Use(
        'LAMMPS', 'molecular dynamics with the potential', ('Thompson2022LAMMPS',), results_of(job).get('version')
    )
    potential = job.inputs.potential if 'potential' in job.inputs else None
    if potential is not None and potential.base.attributes.get('family', None) == 'mace':
        program, _, papers = CALCULATORS['mace']
        yield Use(program, 'molecular dynamics with the potential', papers)


def of_mace_training(job: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the training of a MACE model used."""
    versions = results_of(job).get('versions') or {}
    yield Use('MACE', 'training of MACE', CALCULATORS['mace'][2], versions.get('mace-torch'))


def of_committee(function: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the scale of a committee's deviations rests on."""
    yield Use(PACKAGE, 'errors of forces by the deviation of a committee', ('Musil2019Uncertainty',))


def of_training(job: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the training of a moment tensor potential used."""
    yield Use(program_of(job, 'MLIP-3'), 'training of moment tensor potentials', MOMENT_TENSORS)


def of_selection(job: orm.ProcessNode) -> Iterator[Use]:
    """Tell what grades and the selection by MaxVol used."""
    yield Use(program_of(job, 'MLIP-3'), 'extrapolation grades and selection of configurations', SELECTION)


def of_evaluation(job: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the evaluation of a moment tensor potential used."""
    yield Use(program_of(job, 'MLIP-3'), 'energies and forces of moment tensor potentials', MOMENT_TENSORS)


def of_calculator(purpose: str, *keys: str) -> Callable[[orm.ProcessNode], Iterator[Use]]:
    """Return a rule for a job that runs an ASE calculator.

    :param purpose: what the job is for.
    :param keys: papers on what ASE itself does in it.
    """

    def rule(job: orm.ProcessNode) -> Iterator[Use]:
        versions = results_of(job).get('versions') or {}
        calculator = parameters_of(job).get('calculator') or {}
        yield Use('ASE', purpose, ('Larsen2017ASE', *keys), versions.get('ase'))
        name = str(calculator.get('name', ''))
        if name and name not in IN_ASE:
            program, package, papers = CALCULATORS.get(name, (name, name.replace(':', '.').partition('.')[0], ()))
            yield Use(program, purpose, (*papers, *_papers_on_method(calculator)), versions.get(package))
        dispersion = calculator.get('dispersion') or {}
        if dispersion:
            yield Use(
                'dftd3', 'dispersion', DAMPED.get(str(dispersion.get('damping')), DAMPED['d3']), versions.get('dftd3')
            )

    return rule


def of_vasp(job: orm.ProcessNode) -> Iterator[Use]:
    """Tell what a job of aiida-vasp used, from its INCAR."""
    outputs = results_of(job, 'misc')
    incar = {key.lower(): value for key, value in (parameters_of(job).get('incar') or parameters_of(job)).items()}
    keys = ['Kresse1996VASP', 'Kresse1999PAW']
    keys += ['Perdew1996PBE'] if str(incar.get('gga', '')).upper() == 'PE' else []
    keys += {11: DAMPED['d3'], 12: DAMPED['d3bj']}.get(incar.get('ivdw', 0), ())
    yield Use('VASP', 'energies, forces and stresses of the reference', tuple(keys), outputs.get('version'))


def of_pw(job: orm.ProcessNode) -> Iterator[Use]:
    """Tell what a job of aiida-quantumespresso used, from its input and its pseudopotentials."""
    system = {key.lower(): value for key, value in parameters_of(job).get('SYSTEM', {}).items()}
    outputs = results_of(job, 'output_parameters')
    keys = ['Giannozzi2009QE', 'Giannozzi2017QE']
    keys += ['Perdew1996PBE'] if str(outputs.get('dft_exchange_correlation', '')).upper() == 'PBE' else []
    if str(system.get('vdw_corr', '')).lower() in ('dft-d3', 'grimme-d3'):
        keys += DAMPED['d3bj' if system.get('dftd3_version') == 4 else 'd3']
    version = str(outputs.get('creator_version', '')) or None
    yield Use('Quantum ESPRESSO', 'energies, forces and stresses of the reference', tuple(keys), version)
    headers = [_upf_header(link.node) for link in job.base.links.get_incoming(link_label_filter='pseudos__%').all()]
    if any('ONCVPSP' in header for header in headers):
        yield Use('ONCVPSP', 'pseudopotentials of the reference', ('Hamann2013ONCV',))


def of_diffusion(process: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the analysis of diffusion used."""
    yield Use(
        'kinisi', 'diffusion coefficients and their uncertainty', ('McCluskey2024kinisi', 'McCluskey2025Diffusion')
    )


def of_field(function: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the analysis of drifts in a field used."""
    yield from of_diffusion(function)
    yield Use(PACKAGE, 'error bars of drifts in a field', ('Flyvbjerg1989Blocks',))


def of_charges(function: orm.ProcessNode) -> Iterator[Use]:
    """Tell what found the charges that a field acts on."""
    options = function.inputs.options if 'options' in function.inputs else None
    if isinstance(options, orm.Dict) and options.get('qeq', None) is not None:
        yield Use(PACKAGE, 'charges by charge equilibration', ('Rappe1991QEq',))


def of_defects(process: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the search for distinct sites used."""
    yield Use('pymatgen', 'distinct sites of defects', DEFECTS)


def of_surfaces(process: orm.ProcessNode) -> Iterator[Use]:
    """Tell what surfaces are made with."""
    yield Use('spglib', 'distinct surfaces and their energies', SURFACES)


def of_slabs(process: orm.ProcessNode) -> Iterator[Use]:
    """Tell what slabs are made with."""
    yield Use('spglib', 'terminations of slabs', ('Togo2024spglib', 'Ong2013pymatgen'))


def of_interfaces(process: orm.ProcessNode) -> Iterator[Use]:
    """Tell what interfaces are made with."""
    yield Use('spglib', 'layers of interfaces', INTERFACES)


def of_order(process: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the order of a metal is found with."""
    yield Use(PACKAGE, 'the order of a metal', ORDER)


def of_packing(function: orm.ProcessNode) -> Iterator[Use]:
    """Tell what packed the starts of a recipe, and what the geometries of its molecules come from."""
    table = results_of(function, 'table')
    for program in sorted({start['program'] for start in table.get('starts', ()) if start.get('program')}):
        name, _, version = program.rpartition(' ')
        if name in PACKERS:
            yield Use(name, 'packing of molecules', PACKERS[name], version)
    sources = ' '.join(molecule['source'] for molecule in table.get('molecules', {}).values())
    for method, keys in XTB.items():
        if method in sources:
            yield Use('tblite', f'geometries of molecules ({method}), which come with {PACKAGE}', keys)
    if 'RDKit' in sources:
        yield Use('RDKit', 'geometries of molecules from SMILES')


def of_phonons(process: orm.ProcessNode) -> Iterator[Use]:
    """Tell what phonons are computed with."""
    yield Use('phonopy', 'phonons', PHONONS)


def of_calibration(function: orm.ProcessNode) -> Iterator[Use]:
    """Tell what the calibration of a potential used."""
    yield Use(PACKAGE, 'errors of forces by the extrapolation grade', (*MOMENT_TENSORS, *SELECTION))


RULES: dict[str, Callable[[orm.ProcessNode], Iterator[Use]]] = {
    'seimlip.lammps': of_lammps,
    'seimlip.mlip3.train': of_training,
    'seimlip.mace.train': of_mace_training,
    'seimlip.mlip3.select': of_selection,
    'seimlip.mlip3.grade': of_selection,
    'seimlip.mlip3.evaluate': of_evaluation,
    'seimlip.ase': of_calculator('energies, forces and stresses of the reference'),
    'seimlip.md': of_calculator('molecular dynamics'),
    'seimlip.md.explore': of_calculator('molecular dynamics graded by a committee'),
    'seimlip.ase.neb': of_calculator('migration barriers', 'Henkelman2000NEB', 'Henkelman2000CI'),
    'vasp.vasp': of_vasp,
    'vasp.neb': of_vasp,
    'quantumespresso.pw': of_pw,
    'analyse_diffusion': of_diffusion,
    'analyse_field': of_field,
    'assign_charges': of_charges,
    'pack_recipe': of_packing,
    'measure_phonons': of_phonons,
    'calibrate_errors': of_calibration,
    'join_committee': of_committee,
    'make_surfaces': of_surfaces,
    'make_slab': of_slabs,
    'make_candidates': of_interfaces,
    'measure_dynamics': of_order,
    'make_defects': of_defects,
    'make_vacancy': of_defects,
    'make_interstitial': of_defects,
    'make_frenkel_pair': of_defects,
    'make_end_points': of_defects,
}
"""Who knows what a process used: by the entry point of a job, or the name of a function."""


def of_labels(method: str) -> Use:
    """Return what is to be said of labels that came from outside.

    :param method: the label of their method; empty if it is not known.
    """
    words = re.split(r'[\s+/]+', method)
    keys = tuple(key for word in words for key in METHODS.get(word, ()))
    return Use(f'labels by {method or "a method that is not known"}', 'taken in from outside', keys)


# -- details ----------------------------------------------------------------------------------------------------------


def entry_point_of(process: orm.ProcessNode) -> str:
    """Return the entry point of a job, empty if it has none."""
    kind, _, name = (process.process_type or '').rpartition(':')
    return name if kind.endswith('aiida.calculations') else ''


def results_of(job: orm.ProcessNode, label: str = 'results') -> dict[str, Any]:
    """Return a dictionary that a job gave, empty if it gave none."""
    node = job.outputs[label] if label in job.outputs else None
    return node.get_dict() if isinstance(node, orm.Dict) else {}


def parameters_of(job: orm.ProcessNode) -> dict[str, Any]:
    """Return the parameters of a job, empty if it has none."""
    node = job.inputs.parameters if 'parameters' in job.inputs else None
    return node.get_dict() if isinstance(node, orm.Dict) else {}


def _upf_header(node: orm.Node) -> str:
    """Return the beginning of a pseudopotential, where it says who made it; empty if its file is not there."""
    if not isinstance(node, orm.SinglefileData) or node.filename not in node.base.repository.list_object_names():
        return ''
    with node.open(mode='rb') as handle:
        return bytes(handle.read(4096)).decode('utf-8', 'replace')


def program_of(job: orm.ProcessNode, known: str) -> str:
    """Return the name of the program that speaks like a known one: itself, or the embedded one.

    :param job: its code tells.
    :param known: name of the program whose command line it has.
    """
    code = job.inputs.code if 'code' in job.inputs else None
    path = str(getattr(code, 'filepath_executable', '') or '')
    return PACKAGE if PurePath(path).name.startswith('seimlip-') else known


def _papers_on_method(calculator: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the papers on the method that keyword arguments name."""
    kwargs = calculator.get('kwargs') or {}
    if calculator['name'] in ('tblite', 'xtb'):
        return XTB.get(str(kwargs.get('method', 'GFN1-xTB')), ())
    return ('Perdew1996PBE',) if str(kwargs.get('xc', '')).lower() == 'pbe' else ()


def _is_own(process: orm.ProcessNode) -> bool:
    return 'seimlip' in (process.process_type or '')
