"""The parser of ``seimlip.lammps``, on recordings of LAMMPS with MLIP-3's pair style."""

import numpy as np
import pytest

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.options.lammps import LammpsOptions
from aiida_seimlip.parsers.candidates import gather_candidates
from aiida_seimlip.parsers.lammps_ending import find_ending
from aiida_seimlip.science.formats.lammps_data import lammps_frame, read_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_log import parse_log
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.frames import Frames
from tests.science.formats.test_lammps_track import snapshot

SPECIES = ('Li', 'C', 'O')
PARAMETERS = {'temperature': 2500.0, 'n_steps': 1000, 'seed': 4321}
BREAK = '21_lmp_mlip_break'
COMPLETE = '20_lmp_mlip_nograde'


@pytest.fixture
def start(fixtures):
    """Return the cell of 96 atoms from which all recordings start."""
    return read_data(fixtures / 'lammps' / 'shared' / 'li2co3_96.data', SPECIES)


@pytest.fixture
def potential(aiida_profile, fixtures):
    from aiida_seimlip.data.potential import PotentialData

    return PotentialData(fixtures / 'mlip3' / 'shared' / 'l08_nbh_30.almtp', species=SPECIES)


@pytest.fixture
def recording(fixtures):
    """Return a function that returns the files of a recording: those that are kept, and the others."""

    def factory(case):
        printed, written = fixtures / 'mlip3' / case, fixtures / 'lammps' / case
        kept = {'lammps.out': printed / 'stdout.txt', 'lammps.err': printed / 'stderr.txt'}
        temporary = {'log.lammps': written / 'log.lammps', 'trajectory.lammpstrj': written / 'dump.lammpstrj'}
        temporary |= {path.name: path for path in printed.glob('preselected*')}
        return kept, {name: path for name, path in temporary.items() if path.exists()}

    return factory


@pytest.fixture
def parse(parse_recording, recording, start, potential):
    """Return a function that parses a recording, with some files changed (None: not there)."""
    from aiida import orm

    def factory(case, kept=None, temporary=None, *, structure=None, options=None, **parameters):
        files, others = recording(case)
        files, others = {**files, **(kept or {})}, {**others, **(temporary or {})}
        inputs = {
            'structure': FramesData(start if structure is None else structure),
            'potential': potential,
            'parameters': orm.Dict({**PARAMETERS, **parameters}),
        }
        return parse_recording(
            'seimlip.lammps',
            {name: content for name, content in files.items() if content is not None},
            inputs,
            temporary={name: content for name, content in others.items() if content is not None},
            options=options,
        )

    return factory


@pytest.fixture
def final(fixtures):
    """Return a dump of one frame with velocities, as a finished run writes it."""
    content = (fixtures / 'lammps' / COMPLETE / 'dump.lammpstrj').read_text()
    snapshot = 'ITEM: TIMESTEP' + content.split('ITEM: TIMESTEP')[-1]
    return snapshot.replace('id type x y z fx fy fz', 'id type xu yu zu vx vy vz')


# -- runs that end well ---------------------------------------------------------------------------------------------


def test_completed(parse, final, fixtures):
    parsed = parse(COMPLETE, temporary={'final.lammpstrj': final}, n_steps=20, with_grades=False)
    assert parsed.exit_status == 0
    results = parsed.outputs['results'].get_dict()
    assert (results['outcome'], results['message'], results['highest_grade']) == ('completed', None, None)
    assert (results['n_steps'], results['n_frames'], results['n_candidates']) == (20, 2, 0)
    assert results['mean_temperature'] == pytest.approx((300 + 276.15696 + 275.17072) / 3)
    assert results['version'] == '19 Nov 2024'
    thermo = parsed.outputs['thermo']
    assert thermo.get_array('step').tolist() == [0, 10, 20]
    assert thermo.get_array('potential_energy').tolist() == [-7442.1478, -7441.8483, -7441.824]
    assert thermo.get_array('pressure').tolist() == [58869.444, 44672.432, 43167.134]
    trajectory = parsed.outputs['trajectory'].get_frames()
    dump = read_dump(fixtures / 'lammps' / COMPLETE / 'dump.lammpstrj', SPECIES).frames
    np.testing.assert_array_equal(trajectory.positions, dump.positions)
    np.testing.assert_array_equal(trajectory.forces, dump.forces)
    assert trajectory.origin_steps.tolist() == [0, 20]
    assert trajectory.energies is None
    last = parsed.outputs['final'].get_frames()
    np.testing.assert_array_equal(last.velocities, dump[-1].forces)
    assert 'candidates' not in parsed.outputs


def test_misspelt_threshold_is_no_break(parse, recording, final):
    """MLIP-3 ignores a key without its prefix, so that this recording ran to its end."""
    trajectory = recording(BREAK)[1]['trajectory.lammpstrj']
    temporary = {'final.lammpstrj': final, 'trajectory.lammpstrj': trajectory}
    parsed = parse('F_lmp_bad_key', temporary=temporary, n_steps=10)
    assert parsed.exit_status == 0


def test_outputs_are_turned_back(parse, final, start):
    """A start in another orientation gets its outputs in that orientation."""
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    structure = start.replace(positions=start.positions @ turn, cells=start.cells @ turn)
    _, rotation = lammps_frame(structure.cells[0])
    np.testing.assert_allclose(turn @ rotation, np.eye(3), atol=1e-12)
    temporary = {'final.lammpstrj': final}
    turned = parse(COMPLETE, temporary=temporary, structure=structure, n_steps=20, with_grades=False).outputs
    straight = parse(COMPLETE, temporary=temporary, n_steps=20, with_grades=False).outputs
    for name in ('trajectory', 'final'):
        one, two = turned[name].get_frames(), straight[name].get_frames()
        np.testing.assert_allclose(one.positions, two.positions @ turn, atol=1e-10)
        np.testing.assert_allclose(one.cells, two.cells @ turn, atol=1e-10)
    one, two = turned['trajectory'].get_frames(), straight['trajectory'].get_frames()
    np.testing.assert_allclose(one.forces, two.forces @ turn, atol=1e-10)
    np.testing.assert_allclose(one[0].positions, structure.positions, atol=1e-4)


# -- breaks ---------------------------------------------------------------------------------------------------------


def test_broke(parse, fixtures):
    parsed = parse(BREAK)
    assert parsed.exit_status == 410
    assert parsed.exit_message.startswith('The extrapolation grade 14.9001 exceeded `threshold_break`')
    results = parsed.outputs['results'].get_dict()
    assert results['outcome'] == 'broke'
    assert results['highest_grade'] == 14.900080
    assert results['message'] == 'Breaking threshold exceeded (MV-grade: 14.900080)'
    assert (results['n_saved'], results['n_candidates'], results['n_thinned']) == (5, 5, 0)
    assert results['breaking_index'] == 4
    candidates = parsed.outputs['candidates'].get_frames()
    expected = read_cfg(fixtures / 'mlip3' / BREAK / 'preselected.cfg.0', SPECIES).frames
    np.testing.assert_array_equal(candidates.positions, expected.positions)
    assert candidates.grades.tolist() == [2.062841, 2.185300, 4.096431, 7.836848, 14.900080]
    assert candidates.origin_steps.tolist() == [-1] * 5
    assert parsed.outputs['trajectory'].n_frames == 1
    assert 'final' not in parsed.outputs


def test_steps_of_candidates_from_the_trace(parse, fixtures):
    expected = read_cfg(fixtures / 'mlip3' / BREAK / 'preselected.cfg.0', SPECIES).frames
    lowest = np.minimum.reduceat(expected.positions, expected.ptr[:-1], axis=0)
    rows = [f'{step} {-0.1 * step:.6f} 0.000000 0.000000' for step in range(7)]
    rows += ['{} {:.6f} {:.6f} {:.6f}'.format(step, *row) for step, row in enumerate(lowest[:-1], start=7)]
    parsed = parse(BREAK, temporary={'trace.txt': '# step xmin ymin zmin\n' + '\n'.join(rows) + '\n11 0.1'})
    assert parsed.outputs['candidates'].get_frames().origin_steps.tolist() == [7, 8, 9, 10, 11]
    assert parsed.outputs['results']['n_steps'] == 10


@pytest.mark.parametrize('case', ['23_lmp_cfgmode_1rank', '24_lmp_cfgmode_2ranks'])
def test_broke_in_the_first_step(parse, case):
    """Preselected files with and without the suffix of an MPI rank are accepted."""
    parsed = parse(case)
    assert parsed.exit_status == 410
    results = parsed.outputs['results'].get_dict()
    assert (results['n_steps'], results['n_candidates']) == (0, 1)
    assert results['highest_grade'] == pytest.approx(54175.465427)
    assert parsed.outputs['candidates'].get_frames().grades.tolist() == [54175.465427]
    assert 'thermo' not in parsed.outputs


def test_broke_in_dialect_mtp(parse, recording):
    kept, _ = recording(BREAK)
    stdout = kept['lammps.out'].read_text()
    stdout += 'ERROR on proc 0: Exceeded Break Threshold: 14.90008. Terminating simulation. (src/pair.cpp:1)\n'
    changes = {'lammps.out': stdout, 'lammps.err': ''}
    names = {'preselected.cfg': recording(BREAK)[1]['preselected.cfg.0'], 'preselected.cfg.0': None}
    parsed = parse(BREAK, changes, names, dialect='mtp')
    assert parsed.exit_status == 410
    assert parsed.outputs['results']['highest_grade'] == pytest.approx(14.90008)
    assert parsed.outputs['candidates'].n_frames == 5


def test_fragments_are_refused(parse):
    parsed = parse('22_lmp_break_2ranks')
    assert parsed.exit_status == 430
    assert '`preselected.cfg.0`' in parsed.exit_message
    assert 'candidates' not in parsed.outputs
    assert parsed.outputs['results']['outcome'] == 'broke'
    assert parsed.outputs['results']['fragment_files'] == ['preselected.cfg.0']


@pytest.mark.parametrize('content', [None, '', 'BEGIN_CFG\n Size\n 96\n'])
def test_broke_without_candidates(parse, content):
    parsed = parse(BREAK, temporary={'preselected.cfg.0': content})
    assert parsed.exit_status == 431
    assert parsed.outputs['results']['outcome'] == 'broke'


def test_damaged_candidates_are_counted(parse, recording):
    text = recording(BREAK)[1]['preselected.cfg.0'].read_text()
    parts = text.split('END_CFG')
    parts[1] = parts[1].replace('-0.6', ' nan')
    parsed = parse(BREAK, temporary={'preselected.cfg.0': 'END_CFG'.join(parts)})
    assert parsed.exit_status == 410
    assert parsed.outputs['results']['n_damaged'] == 1
    assert parsed.outputs['candidates'].get_frames().grades.tolist() == [2.062841, 4.096431, 7.836848, 14.900080]


def test_candidates_are_thinned(parse):
    parsed = parse(BREAK, max_candidates=3)
    results = parsed.outputs['results'].get_dict()
    assert (results['n_saved'], results['n_thinned'], results['n_candidates']) == (5, 2, 3)
    assert parsed.outputs['candidates'].get_frames().grades.tolist() == [2.062841, 7.836848, 14.900080]
    assert results['breaking_index'] == 2


# -- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('case', 'message'),
    [
        ('F_lmp_missing_pot', 'Can not open file "nopot.almtp" for MLIP loading'),
        ('F_lmp_missing_pot_al', 'Can not open file "nopot.almtp" for MLIP loading'),
        ('F_lmp_no_mvs', 'No selection data provided with MLIP'),
        ('F_lmp_species', 'Atomic number 3 is not present in the MTP potential!'),
        ('F_lmp_bad_bool', ''),
        ('F_lmp_bad_pot', ''),
        ('F_mtp_missing', 'Invalid file descriptor'),
    ],
)
def test_initialisation_failed(parse, case, message):
    parsed = parse(case)
    assert parsed.exit_status == 310
    assert parsed.exit_message.startswith('LAMMPS failed before its first step: ')
    assert message in parsed.exit_message
    assert parsed.outputs['results']['outcome'] == 'failed'
    assert parsed.outputs['results']['n_steps'] == 0


def test_unknown_pair_style_is_explained(parse):
    text = "LAMMPS (22 Jul 2025)\nERROR: Unrecognized pair style 'mlip' (src/force.cpp:279)\n"
    parsed = parse('none', {'lammps.out': text, 'lammps.err': ''})
    assert parsed.exit_status == 310
    assert (
        "Unrecognized pair style 'mlip'. The code lacks the pair style of the option `dialect`" in parsed.exit_message
    )
    assert '`aiida-seimlip check`' in parsed.exit_message


def test_aborted_before_the_first_step(parse):
    """All that is left of an error on one rank is a banner of the MPI library."""
    parsed = parse('F_mtp_nomvs')
    assert parsed.exit_status == 310
    assert parsed.exit_message.endswith('LAMMPS aborted itself, and its message was lost.')
    assert parsed.outputs['results']['outcome'] == 'failed'


def test_crashed_with_lost_atoms(parse, recording):
    kept, temporary = recording(BREAK)
    lost = 'ERROR: Lost atoms: original 96 current 0 (src/thermo.cpp:494)\nLast command: run 1000\n'
    changes = {
        'lammps.out': kept['lammps.out'].read_text() + lost, 'lammps.err': '',
    }  # fmt: skip
    log = {'log.lammps': temporary['log.lammps'].read_text() + lost}
    parsed = parse(BREAK, changes, log)
    assert parsed.exit_status == 420
    assert 'Lost atoms: original 96 current 0' in parsed.exit_message
    results = parsed.outputs['results'].get_dict()
    assert (results['outcome'], results['n_atoms_lost'], results['n_salvaged']) == ('crashed', 96, 1)
    candidates = parsed.outputs['candidates'].get_frames()
    assert candidates.grades[:5].tolist() == [2.062841, 2.185300, 4.096431, 7.836848, 14.900080]
    assert np.isnan(candidates.grades[5])
    assert candidates.origin_steps.tolist() == [-1] * 5 + [0]


def test_crashed_with_nan_in_the_thermodynamic_output(parse, recording, final):
    kept, temporary = recording(COMPLETE)
    stdout, log = (
        path.read_text().replace('-7441.824 ', 'nan ') for path in (kept['lammps.out'], temporary['log.lammps'])
    )
    dump = temporary['trajectory.lammpstrj'].read_text().split('ITEM: TIMESTEP')
    dump[2] = dump[2].replace(dump[2].split('fz\n')[1].split()[2], 'nan', 1)
    changed = {'log.lammps': log, 'final.lammpstrj': final, 'trajectory.lammpstrj': 'ITEM: TIMESTEP'.join(dump)}
    parsed = parse(COMPLETE, {'lammps.out': stdout}, changed, n_steps=20, with_grades=False)
    assert parsed.exit_status == 420
    assert 'not finite' in parsed.exit_message
    assert parsed.outputs['candidates'].get_frames().origin_steps.tolist() == [0]
    assert 'line' in parsed.outputs['results']['trajectory_problem']


def test_crashed_with_atoms_on_top_of_each_other(start):
    """Frames that no reference program can make sense of are left out, of both sources."""
    near = start.replace(positions=np.where(np.arange(96)[:, None] == 1, start.positions[0] + 0.3, start.positions))
    grades = {'grades': np.array([5.0])}
    saved = Frames.concatenate([frame.replace(**grades) for frame in (start, near, start)])
    trajectory = Frames.concatenate([start.replace(origin_steps=[step]) for step in range(0, 900, 100)] + [near])
    options = LammpsOptions.from_node({**PARAMETERS, 'n_salvaged': 3})
    candidates = gather_candidates(saved, trajectory, options, 'crashed', start.numbers)
    assert (candidates.counts['n_insane'], candidates.counts['n_salvaged']) == (1, 3)
    assert candidates.frames.origin_steps.tolist() == [-1, -1, 600, 700, 800]


def test_out_of_walltime_by_lammps(parse, recording, final):
    kept, temporary = recording(COMPLETE)
    stdout, log = (
        path.read_text().replace('Loop time of', 'Wall time limit reached\nLoop time of')
        for path in (kept['lammps.out'], temporary['log.lammps'])
    )
    parsed = parse(COMPLETE, {'lammps.out': stdout}, {'log.lammps': log, 'final.lammpstrj': final}, with_grades=False)
    assert parsed.exit_status == 400
    assert '20 of 1000 steps' in parsed.exit_message
    assert parsed.outputs['results']['outcome'] == 'out_of_walltime'
    assert parsed.outputs['final'].n_frames == 1


def test_out_of_walltime_by_the_scheduler(recording):
    kept, temporary = recording('25_lmp_save_nobreak')
    log = parse_log(temporary['log.lammps'].read_text())
    stdout = kept['lammps.out'].read_text()
    ending = find_ending(log, stdout, '', is_started=True, is_out_of_time=True)
    assert (ending.outcome, ending.exit_code) == ('out_of_walltime', 'ERROR_OUT_OF_WALLTIME')


def test_interrupted(parse):
    """A log that ends in mid-air without a break is that of a killed job."""
    parsed = parse('25_lmp_save_nobreak', {'lammps.err': ''})
    assert parsed.exit_status == 401
    assert '70 of 1000 steps' in parsed.exit_message
    assert parsed.outputs['results']['outcome'] == 'failed'
    assert parsed.outputs['trajectory'].get_frames().origin_steps.tolist() == [0, 20, 40, 60]


def test_trajectory_cut_off(parse, recording):
    content = recording(BREAK)[1]['trajectory.lammpstrj'].read_bytes()
    parsed = parse(BREAK, temporary={'trajectory.lammpstrj': content + content[:3000]})
    assert parsed.outputs['trajectory'].n_frames == 1
    assert parsed.outputs['results']['trajectory_truncated']


@pytest.mark.parametrize('name', ['lammps.out', 'lammps.err'])
def test_printed_text_missing(parse, name):
    parsed = parse(BREAK, {name: None})
    assert parsed.exit_status == 300
    assert f'`{name}`' in parsed.exit_message


@pytest.mark.parametrize('name', ['trajectory.lammpstrj', 'final.lammpstrj'])
def test_output_of_a_completed_run_missing(parse, final, name):
    temporary = {'final.lammpstrj': final, name: None}
    parsed = parse(COMPLETE, temporary=temporary, n_steps=20, with_grades=False)
    assert parsed.exit_status == 300
    assert f'`{name}`' in parsed.exit_message
    assert parsed.outputs['results']['outcome'] == 'completed'


def test_log_missing(parse, final):
    """What LAMMPS printed stands in for a lost log file."""
    temporary = {'log.lammps': None, 'final.lammpstrj': final}
    parsed = parse(COMPLETE, temporary=temporary, n_steps=20, with_grades=False)
    assert parsed.exit_status == 0
    assert parsed.outputs['thermo'].get_array('step').tolist() == [0, 10, 20]


def test_output_unreadable(parse, recording):
    log = recording(COMPLETE)[1]['log.lammps'].read_text().replace('\n   Step ', '\n--------- Step ')
    parsed = parse(COMPLETE, temporary={'log.lammps': log}, n_steps=20)
    assert parsed.exit_status == 304
    assert 'log.lammps' in parsed.exit_message


# -- tracks -----------------------------------------------------------------------------------------------------------


def track_files(fixtures, shift=0.0, *, columns='xu yu zu'):
    """Return the files of a track with the lithium of the recorded dump, and a frame between moved by `shift` Å."""
    dump = read_dump(fixtures / 'lammps' / COMPLETE / 'dump.lammpstrj', SPECIES).frames
    first, last = (frame.positions[frame.numbers == 3] for frame in dump)
    frames = {0: first, 10: first + shift, 20: last}
    text = ''.join(snapshot(step, where, dump.cells[0], columns) for step, where in frames.items())
    centres = ''.join(f'{step} 1.0 2.0 3.0\n' for step in frames)
    return dump, {'track.lammpstrj': text, 'framework.txt': f'# TimeStep c[1] c[2] c[3]\n{centres}'}


MD = {'n_steps': 20, 'with_grades': False, 'mobile': ['Li'], 'track_every': 20}


def test_track(parse, final, fixtures):
    dump, files = track_files(fixtures)
    parsed = parse(COMPLETE, temporary={'final.lammpstrj': final, **files}, **MD, keep_energies=True)
    assert parsed.exit_status == 0
    track = load_track(parsed.outputs['track'])
    assert track.steps.tolist() == dump.origin_steps.tolist()
    lithium = dump[0].numbers == 3
    np.testing.assert_allclose(track.positions[-1], dump[-1].positions[lithium], atol=1e-4)
    results = parsed.outputs['results'].get_dict()
    assert (results['n_track_frames'], results['track_problem'], results['n_jobs']) == (2, None, 1)
    assert results['mean_volume'] == pytest.approx(dump.volumes[0], rel=1e-6)
    assert parsed.outputs['trajectory'].get_frames().is_evaluated.all()
    assert parsed.outputs['trajectory'].methods == {f'potential:{parsed.node.inputs.potential.uuid}': 2}
    assert not parsed.outputs['trajectory'].is_labelled, 'what a potential predicted is no label'


def test_energies_are_kept_where_they_are_asked_for_only(parse, final):
    parsed = parse(COMPLETE, temporary={'final.lammpstrj': final}, n_steps=20, with_grades=False)
    assert not parsed.outputs['trajectory'].get_frames().is_evaluated.any()
    assert 'track' not in parsed.outputs


def test_track_that_is_damaged(parse, final, fixtures):
    _, files = track_files(fixtures, np.nan)
    parsed = parse(COMPLETE, temporary={'final.lammpstrj': final, **files}, **MD)
    assert parsed.exit_status == 425
    assert 'not finite' in parsed.exit_message
    assert parsed.outputs['results']['track_problem'] in parsed.exit_message


def test_track_that_jumps(parse, final, fixtures):
    """In a cell that changes, an ion may not go half a cell between two frames."""
    _, files = track_files(fixtures, 2.8, columns='x y z')
    changes = {'ensemble': 'npt_iso', 'pressure': 1.0}
    parsed = parse(COMPLETE, temporary={'final.lammpstrj': final, **files}, **MD, **changes)
    assert parsed.exit_status == 425
    assert 'too far apart' in parsed.exit_message
    assert 'track' not in parsed.outputs


def test_cell_of_a_run_is_measured_from_its_start(parse, final, start):
    """The start, the trajectory and the last frame tell; here the last is twice as thick along a and so as large."""
    bounds = '-5.2049993309985538e+00 8.3592999999999993e+00', '-5.2049993309985538e+00 16.7185999999999986e+00'
    finals = (final, final.replace(*bounds))
    assert finals[0] != finals[1]
    cells = [
        parse(COMPLETE, temporary={'final.lammpstrj': content}, n_steps=20, with_grades=False).outputs['results'][
            'cell'
        ]
        for content in finals
    ]
    volume = abs(np.linalg.det(start.cells[0]))
    for cell, factor in zip(cells, (1.0, 2.0), strict=True):
        assert cell['start_volume'] == pytest.approx(volume)
        assert cell['largest_volume'] == pytest.approx(factor * volume, rel=1e-4)
        assert cell['smallest_volume'] == pytest.approx(volume, rel=1e-4)
        assert cell['cutoff'] == 5.0
