"""The parser of ``seimlip.lammps`` on recordings of LAMMPS 19 Nov 2024 with Open MPI, mostly in dialect ``mtp``."""

import numpy as np
import pytest

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.lammps import LammpsOptions
from aiida_seimlip.science.formats.lammps_data import read_data
from aiida_seimlip.science.formats.lammps_input import write_input
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade

SPECIES = ('Li', 'C', 'O')
COOL = {'temperature': 300.0, 'timestep': 0.5, 'n_steps': 60}
HOT = {'temperature': 2500.0, 'timestep': 1.0, 'n_steps': 500}
PARAMETERS = {
    '30_mtp_completed': COOL, '31_mtp_break': HOT, '32_mtp_break_2ranks': HOT,
    '34_mlip_crash': {
        'temperature': 20000.0, 'timestep': 4.0, 'n_steps': 200, 'threshold_break': 1e300, 'dialect': 'mlip',
        'dump_every': 2, 'thermo_every': 5,
    },
    '33_mtp_crash_graded': {'temperature': 30000.0, 'timestep': 4.0, 'n_steps': 500, 'threshold_break': 1e300},
}  # fmt: skip
KEPT = ('lammps.out', 'lammps.err')


def options_of(case):
    return {'dialect': 'mtp', 'seed': 7, 'dump_every': 10, 'thermo_every': 10, **PARAMETERS[case]}


@pytest.fixture
def potential(aiida_profile, fixtures):
    from aiida_seimlip.data.potential import PotentialData

    return PotentialData(fixtures / 'mlip3' / 'shared' / 'l08_nbh_30.almtp', species=SPECIES)


@pytest.fixture
def parse(parse_recording, fixtures, potential):
    """Return a function that parses a recording, with some files changed."""
    from aiida import orm

    def factory(case, **changes):
        files = {path.name: path for path in (fixtures / 'lammps' / case).iterdir()}
        files.update({name.replace('_', '.'): content for name, content in changes.items()})
        start = read_data(fixtures / 'lammps' / 'shared' / 'li2co3_24.data', SPECIES)
        inputs = {
            'structure': FramesData(start), 'potential': potential, 'parameters': orm.Dict(options_of(case)),
        }  # fmt: skip
        kept = {name: files.pop(name) for name in KEPT}
        return parse_recording('seimlip.lammps', kept, inputs, temporary=files)

    return factory


@pytest.mark.parametrize('case', PARAMETERS)
def test_script_is_what_was_run(fixtures, case):
    """The real program took these very lines."""
    settings = LammpsOptions.from_node(options_of(case)).to_settings()
    assert write_input(settings, SPECIES) == (fixtures / 'lammps' / case / 'input.in').read_text()


def test_completed(parse):
    parsed = parse('30_mtp_completed')
    assert parsed.exit_status == 0, parsed.exit_message
    results = parsed.outputs['results'].get_dict()
    assert (results['outcome'], results['n_steps'], results['version']) == ('completed', 60, '19 Nov 2024')
    assert (results['n_saved'], results['n_candidates'], results['n_damaged']) == (8, 8, 0)
    assert parsed.outputs['thermo'].get_array('grade').shape == (7,)
    assert parsed.outputs['trajectory'].n_frames == 7


def test_energies_and_forces_are_ours(parse, potential):
    """LAMMPS, on rounded positions, agrees with our own evaluation of the same potential."""
    outputs = parse('30_mtp_completed').outputs
    trajectory = outputs['trajectory'].get_frames()
    ours = evaluate(potential.get_mtp(), trajectory)
    np.testing.assert_allclose(ours.energies, outputs['thermo'].get_array('potential_energy'), atol=1e-6)
    np.testing.assert_allclose(ours.forces, trajectory.forces, atol=1e-6)


def test_grades_are_ours(parse, potential):
    candidates = parse('30_mtp_completed').outputs['candidates'].get_frames()
    assert candidates.grades.min() > 2
    np.testing.assert_allclose(grade(potential.get_mtp(), candidates).frame, candidates.grades, rtol=1e-3)


@pytest.mark.parametrize('case', ['31_mtp_break', '32_mtp_break_2ranks'])
def test_broke(parse, case):
    """On one rank without `mpirun` the message is lost in a buffer: the frame that was saved last tells."""
    parsed = parse(case)
    assert parsed.exit_status == 410, parsed.exit_message
    assert parsed.exit_message.startswith('The extrapolation grade 10.5622 exceeded `threshold_break` after 14 of 500')
    results = parsed.outputs['results'].get_dict()
    assert (results['outcome'], results['n_candidates'], results['breaking_index']) == ('broke', 7, 6)
    assert parsed.outputs['candidates'].get_frames(trace=True).origin_steps[-1] == 15


def test_frames_of_two_ranks_are_whole(parse):
    """Both ranks write into one file: the same frames, the atoms in the order of the ranks."""
    one, two = (parse(case).outputs['candidates'].get_frames() for case in ('31_mtp_break', '32_mtp_break_2ranks'))
    assert one.sizes.tolist() == two.sizes.tolist() == 7 * [24]
    np.testing.assert_allclose(one.grades, two.grades)
    for mine, other in zip(one.to_atoms(), two.to_atoms(), strict=True):
        assert sorted(mine.numbers) == sorted(other.numbers)
        distances = [np.sort(atoms.get_all_distances(mic=True).ravel()) for atoms in (mine, other)]
        np.testing.assert_allclose(*distances, atol=1e-5)


def test_aborted_without_a_frame_above_the_threshold(parse, fixtures):
    """The MPI library says that LAMMPS stopped itself: a crash, not a job that was killed."""
    saved = (fixtures / 'lammps' / '31_mtp_break' / 'preselected.cfg').read_text()
    below = saved.rpartition('BEGIN_CFG')[0]
    parsed = parse('31_mtp_break', preselected_cfg=below)
    assert parsed.exit_status == 420
    assert parsed.exit_message.endswith('steps: LAMMPS aborted itself, and its message was lost.')
    for message in ('', 'slurmstepd: error: Detected 1 oom-kill event(s).'):
        assert parse('31_mtp_break', preselected_cfg=below, lammps_err=message).exit_status != 0


def test_killed_is_no_crash(parse, fixtures):
    saved = (fixtures / 'lammps' / '31_mtp_break' / 'preselected.cfg').read_text()
    parsed = parse('31_mtp_break', preselected_cfg=saved.rpartition('BEGIN_CFG')[0], lammps_err='')
    assert parsed.exit_status == 401


def test_crashed(parse):
    parsed = parse('33_mtp_crash_graded')
    assert parsed.exit_status == 420
    assert parsed.exit_message.endswith('Lost atoms: original 24 current 0')
    results = parsed.outputs['results'].get_dict()
    assert (results['n_saved'], results['n_damaged'], results['n_salvaged']) == (3, 1, 1)


def test_frames_that_have_lost_atoms_are_no_candidates(parse):
    """The pair style of MLIP-3 goes on to save what is left of the cell."""
    parsed = parse('34_mlip_crash')
    assert parsed.exit_status == 420
    results = parsed.outputs['results'].get_dict()
    assert (results['n_saved'], results['n_damaged'], results['n_incomplete']) == (5, 0, 2)
    assert set(parsed.outputs['candidates'].get_frames().sizes) == {24}
