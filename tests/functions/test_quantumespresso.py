"""Labels from what pw.x left, and what is refused: a recording of pw.x 6.7, and the same with something wrong."""

import io

import numpy as np
import pytest
from aiida import orm
from ase import Atoms

pytest.importorskip('aiida_quantumespresso')

from aiida_seimlip.functions.job_labels import LabelError
from aiida_seimlip.functions.quantumespresso import job_key, label_frame, mesh_of
from aiida_seimlip.science.formats.espresso.schema import read_single_point
from aiida_seimlip.science.frames import Frames

SUMS = {'F': 'e79d493a50113cefedcefee2f1adb6e7', 'Li': 'dbcf0ea72988e720c8c712b432d51b0d'}


@pytest.fixture
def recording(fixtures):
    return {name: (fixtures / 'espresso' / f'lif.{name}').read_text() for name in ('xml', 'out')}


@pytest.fixture
def frame(recording):
    found = read_single_point(io.BytesIO(recording['xml'].encode()))
    return Frames.from_atoms([Atoms(found.numbers, found.positions, cell=found.cell, pbc=True)])


def retrieved(recording):
    folder = orm.FolderData()
    for name, path in (('xml', 'data-file-schema.xml'), ('out', 'aiida.out')):
        if recording.get(name) is not None:
            folder.base.repository.put_object_from_bytes(recording[name].encode(), path)
    return folder


def test_label(recording, frame):
    found = label_frame(frame, retrieved(recording), 'PBE', SUMS)
    assert found.hashes() == frame.hashes()
    assert found.energies[0] == pytest.approx(-870.48737654)
    assert found.stresses.shape == (1, 6)


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('<convergence_achieved>true', '<convergence_achieved>false', 'ScfNotConverged: .* 9 electronic steps'),
        ('<convergence_achieved>true</convergence_achieved>', '', 'ScfNotConverged: .* does not say'),
        ('stress', 'strain', 'OutputTruncated: .* no stress'), ('</qes:espresso>', '', 'OutputTruncated: .*cut off'),
        ('0.000000000000000e0\n          </occ', '0.3\n          </occ', 'TooFewBands: 0.300'),
        ('name="Li" index', 'name="Na" index', 'SpeciesOutOfOrder: .* Na F, but the frame Li F'),
        ('9.448630623128851e-2', '9.5e-2', 'GeometryChanged: '), ('>PBE<', '>PBESOL<', 'WrongFunctional: '),
        ('-3.928614528474206e-5', 'nan', 'NonFiniteNumber: .*stresses'),
    ],
)  # fmt: skip
def test_what_is_no_label(recording, frame, old, new, message):
    assert old in recording['xml']
    with pytest.raises(LabelError, match=message):
        label_frame(frame, retrieved({**recording, 'xml': recording['xml'].replace(old, new)}), 'PBE', SUMS)


def test_energy_without_a_file(recording, frame):
    with pytest.raises(LabelError, match=r'OutputTruncated: pw.x left no data-file-schema.xml'):
        label_frame(frame, retrieved({**recording, 'xml': None}), 'PBE', SUMS)


def test_other_pseudopotential(recording, frame):
    with pytest.raises(LabelError, match=r'WrongPotential: .* for Li'):
        label_frame(frame, retrieved(recording), 'PBE', {**SUMS, 'Li': '0' * 32})


def test_mesh():
    """The spacing includes 2π; the vectors of the reciprocal lattice count, not those of the cell."""
    assert mesh_of(np.diag([4.06, 8.12, 30.0]), 0.35) == [5, 3, 1]
    primitive = 2.03 * (np.ones((3, 3)) - np.eye(3))
    assert 2 * np.pi * np.sqrt(3) / 4.06 / 0.9 == pytest.approx(2.98, abs=0.01)
    assert mesh_of(primitive, 0.9) == [3, 3, 3]


def test_jobs_with_other_pseudopotentials_are_other_jobs():
    assert job_key('x', SUMS) != job_key('x', {**SUMS, 'F': '0' * 32})
