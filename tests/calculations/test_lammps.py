"""The CalcJob ``seimlip.lammps``: what it writes, what it refuses, and real runs with the embedded program."""

import subprocess

import numpy as np
import pytest
from ase.data import atomic_masses

from aiida_seimlip.calculations.lammps import n_ranks, smallest_width
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.formats.lammps_data import read_data
from aiida_seimlip.science.formats.lammps_preselected import read_preselected, read_trace
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate

SPECIES = ('Li', 'C', 'O')
NVT = {'temperature': 300.0, 'n_steps': 20, 'seed': 4321, 'dump_every': 10, 'thermo_every': 5}


@pytest.fixture
def potential(aiida_profile, fixtures):
    """Return a potential of level 8 for Li, C, O with an active set of neighbourhoods."""
    from aiida_seimlip.data.potential import PotentialData

    return PotentialData(fixtures / 'mlip3' / 'shared' / 'l08_nbh_30.almtp', species=SPECIES)


@pytest.fixture
def frame(li2co3):
    """Return a 1 × 2 × 2 cell of Li2CO3, slightly distorted and turned out of LAMMPS' frame, as one frame."""
    atoms = li2co3 * (1, 2, 2)
    atoms.rattle(0.02, seed=1)
    atoms.rotate(40.0, (1.0, 2.0, -1.0), rotate_cell=True)
    return Frames.from_atoms([atoms])


@pytest.fixture
def inputs(code, potential, frame):
    return {
        'code': code('seimlip.lammps', 'seimlip-lmp'), 'structure': FramesData(frame), 'potential': potential,
        'parameters': NVT,
    }  # fmt: skip


@pytest.fixture
def run(aiida_profile, inputs):
    """Return a function that runs the job, with some inputs or options changed."""
    from aiida.engine import run_get_node
    from aiida.plugins import CalculationFactory

    def factory(parameters=None, *, options=None, **changes):
        changed = {**inputs, **changes, 'parameters': {**NVT, **(parameters or {})}}
        return run_get_node(CalculationFactory('seimlip.lammps'), **changed, metadata={'options': options or {}})

    return factory


# -- what is written ------------------------------------------------------------------------------------------------


def test_files(generate_calc_job, inputs, frame):
    inputs['metadata'] = {'options': {'max_wallclock_seconds': 3600}}
    job = generate_calc_job('seimlip.lammps', inputs)
    names = ['input.in', 'potential.almtp', 'structure.data']
    assert sorted(path.name for path in job.folder.iterdir()) == names
    assert job.command_line == '-in input.in'
    assert (job.folder / 'potential.almtp').read_bytes() == inputs['potential'].get_content('rb')
    written = read_data(job.folder / 'structure.data', SPECIES)
    np.testing.assert_array_equal(written.numbers, frame.numbers)
    script = job.read('input.in')
    assert 'timer timeout 0:58:00' in script
    assert 'velocity all create 300 4321' in script
    assert 'extrapolation_control:threshold_save=2 extrapolation_control:threshold_break=10' in script
    assert set(job.calc_info.provenance_exclude_list) == {'potential.almtp', 'structure.data'}
    assert job.calc_info.retrieve_list == ['lammps.out', 'lammps.err']
    assert set(job.calc_info.retrieve_temporary_list) == {
        'log.lammps', 'trajectory.lammpstrj', 'final.lammpstrj', 'preselected.cfg*', 'trace.txt',
    }  # fmt: skip


def test_track_is_retrieved(generate_calc_job, inputs):
    inputs['parameters'] = {**NVT, 'mobile': ['Li'], 'track_every': 10}
    job = generate_calc_job('seimlip.lammps', inputs)
    assert {'track.lammpstrj', 'framework.txt'} <= set(job.calc_info.retrieve_temporary_list)
    inputs['parameters'] = {**NVT, 'mobile': ['Na']}
    with pytest.raises(ValueError, match='names Na as `mobile`, but input `structure` holds none'):
        generate_calc_job('seimlip.lammps', inputs)


def test_masses_of_all_species(generate_calc_job, inputs, li2co3):
    """Types are those of the potential, whatever elements the structure has."""
    oxygen = li2co3[[atom.index for atom in li2co3 if atom.symbol == 'O']]
    inputs |= {'structure': FramesData.from_atoms([oxygen]), 'parameters': {**NVT, 'masses': {'Li': 6.015}}}
    job = generate_calc_job('seimlip.lammps', inputs)
    masses = [line.split()[1:3] for line in job.read('input.in').splitlines() if line.startswith('mass ')]
    assert [(int(kind), float(mass)) for kind, mass in masses] == [
        (1, 6.015), (2, atomic_masses[6]), (3, atomic_masses[8])
    ]  # fmt: skip
    assert '3 atom types' in job.read('structure.data')


def test_structure_data(generate_calc_job, inputs, structure_li2co3):
    inputs['structure'] = structure_li2co3
    job = generate_calc_job('seimlip.lammps', inputs)
    assert '24 atoms' in job.read('structure.data')


@pytest.mark.parametrize('velocities', ['create', 'keep'])
def test_velocities(generate_calc_job, inputs, frame, velocities):
    moving = frame.replace(velocities=np.ones_like(frame.positions))
    inputs |= {'structure': FramesData(moving), 'parameters': {**NVT, 'velocities': velocities}}
    job = generate_calc_job('seimlip.lammps', inputs)
    assert ('Velocities' in job.read('structure.data')) == (velocities == 'keep')
    assert ('velocity all create' in job.read('input.in')) == (velocities == 'create')


def test_small_cell_is_warned_of(generate_calc_job, inputs, structure_li2co3, caplog):
    inputs['structure'] = structure_li2co3
    generate_calc_job('seimlip.lammps', inputs)
    assert 'less than twice the cut-off of input `potential` (5 Å)' in caplog.text


def test_smallest_width():
    assert smallest_width(np.diag([3.0, 4.0, 5.0])) == pytest.approx(3.0)
    assert smallest_width(np.array([[1.0, 0.0, 0.0], [10.0, 2.0, 0.0], [0.0, 0.0, 9.0]])) == pytest.approx(
        2.0 / np.hypot(10.0, 2.0)
    )


# -- what is refused ------------------------------------------------------------------------------------------------


def refused(generate_calc_job, inputs, message, **changes):
    with pytest.raises(ValueError, match=message):
        generate_calc_job('seimlip.lammps', {**inputs, **changes})


def test_refused_unknown_element(generate_calc_job, inputs, li2co3):
    li2co3 = li2co3.copy()
    li2co3.symbols[0] = 'F'
    message = r"Input `structure` holds F, which the species list \['Li', 'C', 'O'\] of input `potential` lacks"
    refused(generate_calc_job, inputs, message, structure=FramesData.from_atoms([li2co3]))


@pytest.mark.parametrize('number', [0, 2])
def test_refused_number_of_frames(generate_calc_job, inputs, li2co3, number):
    message = f'Input `structure` holds {number} frames, but exactly one is needed'
    refused(generate_calc_job, inputs, message, structure=FramesData.from_atoms([li2co3] * number))


def test_refused_cluster(generate_calc_job, inputs, li2co3):
    li2co3 = li2co3.copy()
    li2co3.pbc = (True, True, False)
    structure = FramesData.from_atoms([li2co3])
    refused(generate_calc_job, inputs, 'Input `structure` is periodic along a and b only', structure=structure)


def test_refused_missing_velocities(generate_calc_job, inputs):
    parameters = {**NVT, 'velocities': 'keep'}
    refused(generate_calc_job, inputs, 'Input `structure` has no velocities', parameters=parameters)


def test_refused_untrained(generate_calc_job, inputs, fixtures):
    from aiida_seimlip.data.potential import PotentialData

    template = PotentialData(fixtures / 'mlip3' / 'shared' / 'l08_template_3_species.almtp', species=SPECIES)
    refused(generate_calc_job, inputs, 'Input `potential` is a potential that is not trained', potential=template)


def test_refused_without_active_set(generate_calc_job, inputs, potential):
    from aiida_seimlip.data.potential import PotentialData

    bare = PotentialData.from_mtp(potential.get_mtp().replace(active_set=None))
    refused(generate_calc_job, inputs, 'Input `potential` is a potential without an active set', potential=bare)
    generate_calc_job('seimlip.lammps', {**inputs, 'potential': bare, 'parameters': {**NVT, 'with_grades': False}})


def test_refused_other_family(generate_calc_job, inputs, tmp_path):
    from aiida_seimlip.data.potential import PotentialData

    (tmp_path / 'mace.model').write_bytes(b'model')
    mace = PotentialData(tmp_path / 'mace.model', family='mace', species=SPECIES, cutoff=5.0)
    refused(generate_calc_job, inputs, 'dialect `mlip`, which does not read MACE potentials', potential=mace)


def test_refused_fragments_of_ranks(generate_calc_job, inputs):
    options = {'withmpi': True, 'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 2}}
    message = r'Input `metadata.options.resources` asks for 2 MPI ranks'
    refused(generate_calc_job, inputs, message, metadata={'options': options})
    for parameters in ({**NVT, 'with_grades': False}, {**NVT, 'dialect': 'mtp'}):
        changes = {'parameters': parameters, 'metadata': {'options': options}}
        generate_calc_job('seimlip.lammps', {**inputs, **changes})


def test_refused_masses(generate_calc_job, inputs):
    parameters = {**NVT, 'masses': {'F': 19.0}}
    refused(generate_calc_job, inputs, 'Input `parameters` gives masses of F', parameters=parameters)


def test_refused_parameters(generate_calc_job, inputs):
    message = r"Input `parameters` is wrong: `ensemble` is 'muvt'"
    refused(generate_calc_job, inputs, message, parameters={**NVT, 'ensemble': 'muvt'})


def test_refused_code(generate_calc_job, inputs, code):
    refused(generate_calc_job, inputs, 'Input `code` is a code for `seimlip.ase`', code=code('seimlip.ase'))


@pytest.mark.parametrize(
    ('resources', 'number'),
    [
        ({}, 1),
        ({'num_machines': 2}, 2),
        ({'num_machines': 2, 'num_mpiprocs_per_machine': 3}, 6),
        ({'tot_num_mpiprocs': 4}, 4),
    ],
)
def test_n_ranks(resources, number):
    assert n_ranks(resources) == number


# -- real runs ------------------------------------------------------------------------------------------------------


def check_against_potential(node, trajectory):
    """Check that the forces of a trajectory are those of the potential, in the orientation of the start."""
    expected = evaluate(node.inputs.potential.get_mtp(), trajectory.without_labels())
    np.testing.assert_allclose(trajectory.forces, expected.forces, atol=1e-5)
    return expected


def test_run_to_the_end(run, frame):
    outputs, node = run({'threshold_break': 1e6})
    assert node.exit_status == 0, node.exit_message
    results = outputs['results'].get_dict()
    assert (results['outcome'], results['message']) == ('completed', None)
    assert (results['n_steps'], results['n_steps_asked']) == (20, 20)
    trajectory = outputs['trajectory'].get_frames()
    assert trajectory.origin_steps.tolist() == [0, 10, 20]
    np.testing.assert_allclose(trajectory[0].positions, frame.positions, atol=1e-8)
    np.testing.assert_allclose(trajectory[0].cells, frame.cells, atol=1e-8)
    expected = check_against_potential(node, trajectory)
    thermo = outputs['thermo']
    assert thermo.get_array('step').tolist() == [0, 5, 10, 15, 20]
    np.testing.assert_allclose(thermo.get_array('potential_energy')[::2], expected.energies, atol=1e-5)
    assert thermo.base.attributes.get('units')['potential_energy'] == 'eV'
    assert thermo.get_array('temperature')[0] == pytest.approx(300.0, abs=1e-6)
    final = outputs['final'].get_frames()
    np.testing.assert_allclose(final.positions, trajectory[-1].positions, atol=1e-7)
    assert final.forces is None


def test_restart_continues_the_trajectory(run):
    """In NVE, two runs of 10 steps give the positions of one of 20."""
    nve = {'ensemble': 'nve', 'with_grades': False}
    whole, _ = run(nve)
    first, _ = run({**nve, 'n_steps': 10})
    changes = {'n_steps': 10, 'velocities': 'keep', 'first_step': 10}
    second, node = run({**nve, **changes}, structure=first['final'])
    assert node.is_finished_ok, node.exit_message
    assert second['results']['n_steps'] == 10
    final = second['final'].get_frames()
    assert final.origin_steps.tolist() == [20]
    np.testing.assert_allclose(final.positions, whole['final'].get_frames().positions, atol=1e-6)
    np.testing.assert_allclose(final.velocities, whole['final'].get_frames().velocities, atol=1e-4)


def test_run_at_constant_pressure(run, frame):
    outputs, node = run({'ensemble': 'npt_tri', 'pressure': 1e4, 'threshold_break': 1e6, 'barostat_damping': 100.0})
    assert node.exit_status == 0, node.exit_message
    trajectory = outputs['trajectory'].get_frames()
    assert not np.allclose(trajectory.cells[-1], frame.cells[0], atol=1e-4)
    check_against_potential(node, trajectory)


@pytest.mark.parametrize('dialect', ['mlip', 'mtp'])
def test_run_that_breaks(run, dialect):
    outputs, node = run({'temperature': 3000.0, 'n_steps': 2000, 'dialect': dialect, 'timestep': 1.0})
    assert node.exit_status == 410
    results = outputs['results'].get_dict()
    assert results['outcome'] == 'broke'
    assert results['highest_grade'] > 10
    assert f'{results["highest_grade"]:g}' in node.exit_message
    candidates = outputs['candidates'].get_frames()
    assert np.all(candidates.grades > 2)
    assert candidates.grades[-1] == pytest.approx(results['highest_grade'], rel=1e-4)
    assert results['breaking_index'] == len(candidates) - 1
    assert candidates.origin_steps[-1] == results['n_steps'] + 1
    assert np.all(np.diff(candidates.origin_steps) >= 1)
    assert 'final' not in outputs
    from aiida_seimlip.science.mtp.grade import grade

    np.testing.assert_allclose(grade(node.inputs.potential.get_mtp(), candidates).frame, candidates.grades, rtol=1e-4)


@pytest.mark.parametrize(
    'ensemble', [{'ensemble': 'nvt'}, {'ensemble': 'npt_tri', 'pressure': 1e5}], ids=['nvt', 'npt']
)
def test_trace_finds_the_steps(generate_calc_job, inputs, ensemble):
    """The trace gives those steps that MLIP-3 does not tell, but the embedded program does."""
    inputs['parameters'] = {**NVT, **ensemble, 'temperature': 2000.0, 'n_steps': 2000, 'threshold_break': 30.0}
    job = generate_calc_job('seimlip.lammps', inputs)
    executable = inputs['code'].filepath_executable
    ended = subprocess.run([executable, '-in', 'input.in'], cwd=job.folder, capture_output=True, check=False)
    assert ended.returncode == 9
    content = (job.folder / 'preselected.cfg').read_bytes()
    told = read_preselected({'preselected.cfg': content}, SPECIES).frames.origin_steps
    trace = read_trace((job.folder / 'trace.txt').read_text())
    untold = {'preselected.cfg': content.replace(b'MD_step', b'unknown')}
    assert len(told) > 10
    assert read_preselected(untold, SPECIES).frames.origin_steps.tolist() == [-1] * len(told)
    found = read_preselected(untold, SPECIES, trace).frames.origin_steps
    np.testing.assert_array_equal(found[:-1], told[:-1])
    assert (found[-1], told[-1]) == (-1, trace.steps[-1] + 1)  # the run broke before it completed this step


def test_run_that_crashes(run):
    """Without grades nothing stops a run that leaves the potential's realm but the crash itself."""
    outputs, node = run({'temperature': 8000.0, 'n_steps': 5000, 'timestep': 2.0, 'with_grades': False})
    assert node.exit_status == 420
    results = outputs['results'].get_dict()
    assert results['outcome'] == 'crashed'
    assert results['message'] in node.exit_message
    assert 0 < results['n_steps'] < 5000
    candidates = outputs['candidates'].get_frames()
    assert 0 < len(candidates) == results['n_salvaged'] <= 5
    assert candidates.shortest_distances().min() > 0.6
    assert candidates.forces is None
    assert 'final' not in outputs


def test_run_out_of_walltime(run):
    parameters = {'temperature': 10.0, 'n_steps': 10_000_000, 'with_grades': False, 'timestep': 1e-4}
    outputs, node = run(parameters, options={'max_wallclock_seconds': 4})
    assert node.exit_status == 400
    results = outputs['results'].get_dict()
    assert results['outcome'] == 'out_of_walltime'
    assert 0 < results['n_steps'] < 10_000_000
    assert outputs['final'].get_frames().origin_steps.tolist() == [results['n_steps']]
