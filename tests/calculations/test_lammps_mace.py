"""``seimlip.lammps`` with potentials of MACE: what is written and what is refused; nothing of MACE is needed here."""

from __future__ import annotations

import io
import zipfile

import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData

NVT = {'temperature': 300.0, 'n_steps': 20, 'seed': 4, 'with_grades': False}


def torchscript(content: str) -> bytes:
    """Return what looks like a model in TorchScript."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name in ('data.pkl', 'constants.pkl', 'code/model.py'):
            archive.writestr(zipfile.ZipInfo(f'model/{name}'), content)
    return buffer.getvalue()


def mace(n_members: int = 1, **facts) -> PotentialData:
    members = [torchscript(str(index)) for index in range(n_members)]
    return PotentialData.from_mace(members, species=['Li', 'F'], cutoff=4.0, **facts)


@pytest.fixture
def write(code, generate_calc_job):
    """Return a function that writes the files of a job."""

    def factory(potential, parameters=None, **inputs):
        structure = FramesData.from_atoms([bulk('LiF', 'rocksalt', 4.1, cubic=True)])
        return generate_calc_job('seimlip.lammps', {
            'code': code('seimlip.lammps'), 'structure': structure, 'potential': potential,
            'parameters': {**NVT, **(parameters or {})}, **inputs,
        })  # fmt: skip

    return factory


def pair_lines(job):
    return [line for line in (job.folder / 'input.in').read_text().splitlines() if line.startswith('pair')]


def test_single_model(write):
    job = write(mace(), {'dialect': 'mace'})
    script = (job.folder / 'input.in').read_text()
    assert pair_lines(job) == ['pair_style mace no_domain_decomposition', 'pair_coeff * * model_00.pt Li F']
    assert script.index('atom_modify map yes') < script.index('read_data')
    assert (job.folder / 'model_00.pt').read_bytes() == torchscript('0')


def test_precision_and_committee_with_grades(write):
    thresholds = {'threshold_save': 0.3, 'threshold_break': 1.5, 'with_grades': True}
    job = write(
        mace(2, deviation_scale=2.5), {'dialect': 'mace/committee', 'precision': 'float32', **thresholds}
    )  # fmt: skip
    assert pair_lines(job) == [
        'pair_style mace/committee float32 preselected.cfg 0.3 1.5 2.5',
        'pair_coeff * * model_00.pt model_01.pt Li F',
    ]
    assert (job.folder / 'model_01.pt').read_bytes() == torchscript('1')


@pytest.mark.parametrize(
    ('dialect', 'name', 'lines'),
    [
        ('mliap', 'm.pt', ['pair_style mliap unified potential.pt 0', 'pair_coeff * * Li F']),
        ('symmetrix', 'm.json', ['pair_style symmetrix/mace', 'pair_coeff * * potential.json Li F']),
    ],
)
def test_file_made_beforehand(write, dialect, name, lines):
    file = orm.SinglefileData(io.BytesIO(b'made'), name)
    job = write(mace(), {'dialect': dialect, 'trust_model': True}, potential_file=file)
    assert pair_lines(job) == lines
    assert (job.folder / lines[0 if dialect == 'mliap' else 1].split()[3]).read_bytes() == b'made'


def pickled():
    return PotentialData(io.BytesIO(b'pickle'), 'm.model', family='mace', species=['Li', 'F'], cutoff=4.0)


FILE = {'potential_file': ('m.pt', b'made')}


@pytest.mark.parametrize(
    ('make', 'parameters', 'inputs', 'message'),
    [
        (mace, {'dialect': 'mlip'}, {}, 'set `dialect` to `mace` or `mliap` or `symmetrix`'),
        (mace, {'dialect': 'mace/committee'}, {}, 'which does not read MACE potentials'),
        (lambda: mace(2), {'dialect': 'mace'}, {}, 'set `dialect` to `mace/committee`'),
        (lambda: mace(2), {'dialect': 'mace/committee'}, FILE, 'input `potential` is a committee'),
        (mace, {'dialect': 'auto', 'with_grades': True}, {}, 'single MACE potential, which knows no grades'),
        (mace, {'dialect': 'mace', 'with_grades': True}, {}, 'single MACE potential, which knows no grades'),
        (mace, {'dialect': 'mliap'}, {}, 'needs `NAME.model-mliap_lammps.pt`'),
        (mace, {'dialect': 'mliap'}, FILE, 'add `trust_model: true` to input `parameters`'),
        (pickled, {'dialect': 'mace'}, {}, 'pickled MACE model, which LAMMPS does not read'),
    ],
)  # fmt: skip
def test_refused(write, make, parameters, inputs, message):
    nodes = {name: orm.SinglefileData(io.BytesIO(content), file) for name, (file, content) in inputs.items()}
    with pytest.raises(ValueError, match=message):
        write(make(), parameters, **nodes)
