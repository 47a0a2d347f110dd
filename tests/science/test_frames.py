"""Tests for `science.frames`."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.io import read

from aiida_seimlip.science.frames import Frames, FramesError, predicted_by

CASES = Path(__file__).parents[1] / 'fixtures' / 'cases'
MONOCLINIC = np.array([[6.0, 0.0, 0.0], [0.0, 5.0, 0.0], [-2.6, 0.0, 5.6]])


def labelled_atoms(symbols='LiCO', energy=-3.5, seed=0):
    """Return a small periodic configuration with all that `Frames` keeps."""
    random = np.random.default_rng(seed)
    atoms = Atoms(symbols, random.uniform(0, 5, (len(Atoms(symbols)), 3)), cell=MONOCLINIC, pbc=True)
    atoms.set_velocities(random.normal(size=(len(atoms), 3)))
    atoms.calc = SinglePointCalculator(
        atoms, energy=energy, forces=random.normal(size=(len(atoms), 3)), stress=random.normal(size=6)
    )
    atoms.info.update(grade=2.5, md_step=40)
    return atoms


@pytest.fixture
def frames():
    """Return three frames of 3, 5 and 2 atoms."""
    return Frames.from_atoms([labelled_atoms('LiCO'), labelled_atoms('Li2CO2', -7.0, 1), labelled_atoms('LiF', 1.0, 2)])


class TestConstruction:
    def test_from_atoms(self, frames):
        assert len(frames) == 3
        assert frames.sizes.tolist() == [3, 5, 2]
        assert frames.formulas == ['CLiO', 'CLi2O2', 'FLi']
        assert frames.elements == ('Li', 'C', 'O', 'F')
        np.testing.assert_array_equal(frames.energies, [-3.5, -7.0, 1.0])
        np.testing.assert_array_equal(frames.grades, [2.5] * 3)
        np.testing.assert_array_equal(frames.origin_steps, [40] * 3)
        np.testing.assert_array_equal(frames.frame_of_atom, [0] * 3 + [1] * 5 + [2] * 2)
        np.testing.assert_allclose(frames.volumes, 6.0 * 5.0 * 5.6)

    def test_round_trip(self, frames):
        again = Frames.from_atoms(frames.to_atoms())
        for name in ('numbers', 'positions', 'ptr', 'cells', 'pbc', 'energies', 'forces', 'stresses', 'grades'):
            np.testing.assert_array_equal(getattr(again, name), getattr(frames, name))
        np.testing.assert_allclose(again.velocities, frames.velocities, rtol=1e-14)
        np.testing.assert_array_equal(again.origin_steps, frames.origin_steps)

    def test_from_atoms_takes_ase_velocities(self):
        atoms = labelled_atoms()
        frames = Frames.from_atoms([atoms])
        # Å·(u/eV)^-½ times 98.22694788 is Å/ps: (1.602176634e-19 J / 1.66053906660e-27 kg)^½ in m/s, over 100
        np.testing.assert_allclose(frames.velocities, atoms.get_velocities() * 98.22694788, rtol=1e-6)

    def test_from_atoms_partly_labelled(self):
        bare = Atoms('Li2', [[0, 0, 0], [3, 0, 0]])
        frames = Frames.from_atoms([labelled_atoms(), bare])
        assert frames.labelled.tolist() == [True, False]
        assert not frames.is_labelled
        assert np.isnan(frames.energies[1])
        assert np.isnan(frames.forces[3:]).all()
        assert np.isnan(frames.stresses[1]).all()
        assert frames.to_atoms()[1].calc is None

    def test_from_atoms_calculates_nothing(self):
        atoms = bulk('Cu', cubic=True)
        atoms.calc = EMT()
        assert Frames.from_atoms([atoms]).energies is None

    def test_from_atoms_refuses_stale_labels(self):
        """Labels of a configuration that was moved since are those of another one."""
        atoms = bulk('Cu', cubic=True)
        atoms.calc = EMT()
        energy = atoms.get_potential_energy()
        assert Frames.from_atoms([atoms]).energies.tolist() == [energy]
        atoms.rattle(0.1, seed=0)
        assert Frames.from_atoms([atoms]).energies is None
        moved = labelled_atoms()
        moved.positions += 0.1
        assert Frames.from_atoms([moved]).forces is None

    def test_empty(self):
        empty = Frames.empty()
        assert len(empty) == 0
        assert not empty.is_labelled
        assert empty.hashes() == []
        assert empty.to_atoms() == []
        assert empty.elements == ()
        assert empty.shortest_distances().shape == (0,)
        assert len(Frames.concatenate([])) == 0

    def test_arrays_get_their_types(self):
        frames = Frames([3], [[0, 0, 0]], [0, 1], np.eye(3, dtype=int)[None] * 4, [[1, 1, 0]])
        assert frames.numbers.dtype == np.int32
        assert frames.positions.dtype == float
        assert frames.pbc.tolist() == [[True, True, False]]


class TestRefusals:
    @staticmethod
    def arrays(**changes):
        arrays = {
            'numbers': [3, 8], 'positions': np.zeros((2, 3)), 'ptr': [0, 2], 'cells': [np.eye(3) * 5],
            'pbc': [[True] * 3],
        }  # fmt: skip
        return arrays | changes

    @pytest.mark.parametrize(
        ('changes', 'message'),
        [
            ({'ptr': [0, 1]}, r'`numbers` has shape \(2,\), expected \(1,\)'),
            ({'ptr': [1, 2]}, '`ptr` must start at 0'),
            ({'ptr': [0, 2, 2]}, 'every frame holds at least one atom'),
            ({'positions': np.zeros((3, 3))}, r'`positions` has shape \(3, 3\), expected \(2, 3\)'),
            ({'numbers': [3, 0]}, 'no atomic numbers'),
            ({'numbers': [3, 200]}, 'no atomic numbers'),
            ({'positions': np.full((2, 3), np.nan)}, '`positions` holds values that are not finite'),
            ({'cells': [np.full((3, 3), np.inf)]}, '`cells` holds values that are not finite'),
            ({'cells': [np.diag([5.0, 5.0, 0.0])]}, 'periodic frame 0 has no volume'),
            ({'energies': [1.0, 2.0]}, r'`energies` has shape \(2,\), expected \(1,\)'),
            ({'stresses': np.zeros((1, 3, 3))}, r'`stresses` has shape \(1, 3, 3\), expected \(1, 6\)'),
        ],
    )
    def test_message(self, changes, message):
        with pytest.raises(FramesError, match=message):
            Frames(**self.arrays(**changes))

    def test_flat_cell_of_molecule(self):
        assert Frames(**self.arrays(cells=np.zeros((1, 3, 3)), pbc=[[False] * 3])).volumes.tolist() == [0.0]


class TestConcatenate:
    def test_partially_known(self, frames):
        bare = Frames.from_atoms([molecule('H2O')])
        with_origin = frames[:1].replace(origin_uuids=['abc'], origin_indices=[7], velocities=None)
        joined = Frames.concatenate([bare, with_origin, frames[2]])
        assert joined.sizes.tolist() == [3, 3, 2]
        assert np.isnan(joined.energies[0])
        assert joined.energies[1:].tolist() == [-3.5, 1.0]
        assert np.isnan(joined.forces[:3]).all()
        np.testing.assert_array_equal(joined.forces[3:6], frames.forces[:3])
        assert np.isnan(joined.velocities[:6]).all()
        np.testing.assert_array_equal(joined.velocities[6:], frames.velocities[8:])
        assert joined.origin_uuids.tolist() == ['', 'abc', '']
        assert joined.origin_indices.tolist() == [-1, 7, -1]
        assert joined.origin_steps.tolist() == [-1, 40, 40]
        assert joined.labelled.tolist() == [False, True, True]

    def test_unknown_everywhere_stays_none(self):
        bare = Frames.from_atoms([molecule('H2O')])
        joined = Frames.concatenate([bare, bare])
        assert joined.energies is None
        assert joined.origin_uuids is None

    def test_is_the_inverse_of_iteration(self, frames):
        joined = Frames.concatenate(iter(frames))
        assert joined.hashes() == frames.hashes()
        np.testing.assert_array_equal(joined.ptr, frames.ptr)


class TestSelection:
    @pytest.mark.parametrize(
        ('key', 'expected'),
        [
            (1, [1]),
            (-1, [2]),
            (np.int64(2), [2]),
            (slice(None, None, -1), [2, 1, 0]),
            ([2, 0, 0], [2, 0, 0]),
            ([], []),
            ([True, False, True], [0, 2]),
            (np.array([False, True, False]), [1]),
            (np.array([1, 2]), [1, 2]),
        ],
    )
    def test_key(self, frames, key, expected):
        selected = frames[key]
        assert selected.energies.tolist() == [frames.energies[i] for i in expected]
        hashes = frames.hashes()
        assert selected.hashes() == [hashes[i] for i in expected]
        assert selected.sizes.tolist() == [frames.sizes[i] for i in expected]

    def test_out_of_range(self, frames):
        with pytest.raises(IndexError):
            frames[3]
        with pytest.raises(IndexError):
            frames[[True, False]]

    def test_without_labels(self, frames):
        bare = frames.without_labels()
        assert bare.energies is bare.forces is bare.stresses is None
        assert bare.hashes() == frames.hashes()
        assert frames.energies is not None

    def test_labelled_needs_every_force(self, frames):
        forces = frames.forces.copy()
        forces[4, 1] = np.nan
        assert frames.replace(forces=forces).labelled.tolist() == [True, False, True]
        assert frames.replace(forces=None).labelled.tolist() == [False] * 3
        assert frames.replace(energies=np.array([1.0, 2.0, np.nan])).labelled.tolist() == [True, True, False]


class TestTypes:
    def test_order_of_species(self, frames):
        np.testing.assert_array_equal(frames[0].types(['O', 'C', 'Li']), [2, 1, 0])

    def test_missing_element(self, frames):
        with pytest.raises(FramesError, match=r"Element\(s\) C, F not in the species list \['Li', 'O'\]"):
            frames.types(['Li', 'O'])

    @pytest.mark.parametrize('species', [['Li', 'Xx1'], ['Li', 'C', 'O', 'F', 'Li']])
    def test_bad_list(self, frames, species):
        with pytest.raises(FramesError, match='does not hold different chemical symbols'):
            frames.types(species)


class TestHashes:
    POSITIONS = ((0.0, 0.0, 0.0), (1.25, -0.000002, 2.0), (-3.1, 4.0, 0.5))

    def frame(self, **changes):
        arrays = {
            'numbers': [3, 6, 8], 'positions': np.array(self.POSITIONS), 'ptr': [0, 3], 'cells': [MONOCLINIC],
            'pbc': [[True, True, True]],
        }  # fmt: skip
        return Frames(**(arrays | changes))

    def test_digest(self):
        """The hash must never change: stored data are recognised by it."""
        expected = 'd7cb768da94b4f6201bd856c2b3b587fe346a7dae5ea11a73d30db711645cdee'
        assert self.frame().hashes() == [expected]

    def test_definition(self):
        """The digest is that of little-endian 64-bit integers: species, cell, periodicity, positions."""
        millionths = [round(value * 1e6) for value in np.ravel(self.POSITIONS)]
        cell = [round(value * 1e6) for value in MONOCLINIC.ravel()]
        content = struct.pack('<24q', 3, 6, 8, *cell, 1, 1, 1, *millionths)
        assert self.frame().hashes() == [hashlib.sha256(content).hexdigest()]

    def test_independent_of_neighbours_in_memory(self, frames):
        assert [frame.hashes()[0] for frame in frames] == frames.hashes()

    def test_ignores_labels_and_noise(self):
        original = self.frame().hashes()
        noisy = np.array(self.POSITIONS) + 4e-7
        assert self.frame(positions=noisy).hashes() == original
        assert self.frame(energies=[1.0], grades=[3.0], origin_steps=[5]).hashes() == original
        minus_zero = np.where(np.array(self.POSITIONS) == 0, -0.0, self.POSITIONS)
        assert self.frame(positions=minus_zero).hashes() == original

    @pytest.mark.parametrize(
        'changes',
        [
            {'positions': np.array(POSITIONS) + 1e-6},
            {'positions': np.array(POSITIONS)[[1, 0, 2]]},
            {'numbers': [3, 8, 6]},
            {'cells': [MONOCLINIC + 1e-6]},
            {'pbc': [[True, True, False]]},
        ],
    )
    def test_sees_changes(self, changes):
        assert self.frame(**changes).hashes() != self.frame().hashes()


class TestDistances:
    @staticmethod
    def obvious(atoms, one=None, two=None):
        """Return the shortest distance over all images, of a pair of species if given."""
        shortest = np.inf
        shifts = [np.array(s) @ atoms.cell.array for s in np.ndindex(7, 7, 7)]
        shifts = [shift - 3 * atoms.cell.array.sum(axis=0) for shift in shifts]
        for i, a in enumerate(atoms):
            for j, b in enumerate(atoms):
                if one is not None and {a.symbol, b.symbol} != {one, two}:
                    continue
                distances = [np.linalg.norm(b.position + shift - a.position) for shift in shifts]
                shortest = min([shortest, *(d for d in distances if i != j or d > 1e-9)])
        return shortest

    def test_against_obvious(self, frames):
        expected = [self.obvious(atoms) for atoms in frames.to_atoms()]
        np.testing.assert_allclose(frames.shortest_distances(cutoff=8.0), expected, rtol=1e-12)

    def test_by_species_against_obvious(self, frames):
        found = frames[:2].shortest_distances_by_species(cutoff=8.0)
        assert list(found) == [('Li', 'Li'), ('Li', 'C'), ('Li', 'O'), ('C', 'C'), ('C', 'O'), ('O', 'O')]
        for (one, two), distances in found.items():
            expected = [self.obvious(atoms, one, two) for atoms in frames[:2].to_atoms()]
            np.testing.assert_allclose(distances, expected, rtol=1e-12)

    def test_beyond_cutoff(self):
        apart = Frames.from_atoms([Atoms('Li2', [[0, 0, 0], [9, 0, 0]]), Atoms('LiO', [[0, 0, 0], [1, 0, 0]])])
        assert apart.shortest_distances().tolist() == [np.inf, 1.0]
        assert apart.shortest_distances_by_species()['Li', 'O'].tolist() == [np.inf, 1.0]


class TestProvenance:
    """Who computed the energies and forces, which energy it is, and what else is known."""

    @pytest.fixture
    def known(self, frames):
        return frames.replace(methods=['PBE', '', 'potential:0123'], energy_kinds=['free', '', 'sigma0']).with_features(
            [{'config_type': 'bulk', 'source_index': 17}, {}, {'EFS_by': 'VASP', 'name': 'Großer Würfel'}]
        )

    def test_select_and_join(self, known, frames):
        again = Frames.concatenate([known[2], known[:2]])[[1, 2, 0]]
        for name in ('methods', 'energy_kinds', 'features'):
            np.testing.assert_array_equal(getattr(again, name), getattr(known, name))
        joined = Frames.concatenate([frames[0], known[0]])
        assert joined.methods.tolist() == ['', 'PBE']
        assert joined.energy_kinds.tolist() == ['', 'free']
        assert [joined.features_of(index) for index in range(2)] == [
            {}, {'config_type': 'bulk', 'source_index': '17'}
        ]  # fmt: skip

    def test_names_of_any_length(self, frames):
        long = 'r2SCAN+rVV10+U(Ni)=6.2, 700 eV, ' * 10
        joined = Frames.concatenate([frames[0].computed_by('PBE'), frames[1].computed_by(long)])
        assert joined.methods.tolist() == ['PBE', long]

    def test_features_of_other_text(self, known):
        assert known.features_of(2) == {'EFS_by': 'VASP', 'name': 'Großer Würfel'}
        assert known.features_of(-2) == {}
        assert known.without_labels().features_of(2) == {'name': 'Großer Würfel'}, (
            'who labelled it goes with the labels'
        )

    def test_prediction_is_no_label(self, known):
        assert known.is_predicted.tolist() == [False, False, True]
        assert known.is_evaluated.tolist() == [True] * 3
        assert known.labelled.tolist() == [True, True, False]
        assert not known.is_labelled
        assert known[:2].is_labelled

    def test_without_labels(self, known):
        bare = known.without_labels()
        assert bare.methods is bare.energy_kinds is None
        assert bare.is_predicted.tolist() == [False] * 3
        assert not bare.is_computed.any()

    def test_computed_by_names_what_is_known(self, frames):
        """A method is said of frames of which anything was computed, be it only a force."""
        energies = np.array([-3.5, np.nan, np.nan])
        stresses = np.full((3, 6), np.nan)
        forces = np.full(frames.forces.shape, np.nan)
        forces[frames.ptr[1] + 2] = 0.0
        partly = frames.replace(energies=energies, stresses=stresses, forces=forces).computed_by(
            predicted_by('ab'), 'free'
        )
        assert partly.is_computed.tolist() == [True, True, False]
        assert partly.methods.tolist() == ['potential:ab', 'potential:ab', '']
        assert partly.energy_kinds.tolist() == ['free', 'free', '']

    def test_computed_by_of_nothing(self, frames):
        bare = frames.without_labels().computed_by('PBE', 'free')
        assert bare.methods is bare.energy_kinds is None
        assert Frames.empty().computed_by('PBE').methods is None

    def test_hash_does_not_know(self, known, frames):
        assert known.hashes() == frames.hashes()

    def test_unknown_grade_is_not_in_info(self, known):
        grades = np.full(len(known), np.nan)
        grades[0] = 2.5
        infos = [image.info for image in known.replace(grades=grades).to_atoms()]
        assert infos[0]['grade'] == 2.5
        assert all('grade' not in info for info in infos[1:])
        assert all('grade' not in image.info for image in known.replace(grades=None).to_atoms())

    def test_atoms_round_trip(self, known):
        images = known.to_atoms()
        assert [image.info.get('method') for image in images] == ['PBE', None, 'potential:0123']
        assert images[0].info['features'] == {'config_type': 'bulk', 'source_index': '17'}
        assert images[0].calc.results['free_energy'] == -3.5
        again = Frames.from_atoms(images)
        for name in ('methods', 'energy_kinds', 'features', 'energies'):
            np.testing.assert_array_equal(getattr(again, name), getattr(known, name))

    @pytest.mark.parametrize(
        ('changes', 'message'),
        [
            ({'methods': ['PBE']}, r'`methods` has shape \(1,\), expected \(3,\)'),
            ({'energy_kinds': ['free', 'total', '']}, "`energy_kinds` holds values other than '', 'free', 'sigma0'"),
        ],
    )
    def test_refusals(self, frames, changes, message):
        with pytest.raises(FramesError, match=message):
            frames.replace(**changes)

    def test_refused_features(self, frames):
        with pytest.raises(FramesError, match=r'`features` has shape \(1,\), expected \(3,\)'):
            frames.with_features([{'a': 'b'}])
        with pytest.raises(FramesError, match=r"feature 'name' of a frame holds a null character"):
            frames.with_features([{}, {'name': 'a\x00b'}, {}])
        with pytest.raises(FramesError, match='The features of frame 1 are damaged'):
            frames.replace(features=['', '[1]', '']).features_of(1)


class TestResultsOfAse:
    """Results in the shapes and under the names that calculators and readers leave them in."""

    @staticmethod
    def atoms(**results):
        atoms = Atoms('LiF', [[0, 0, 0], [2, 0, 0]], cell=[4, 4, 4], pbc=True)
        atoms.calc = SinglePointCalculator(atoms)
        atoms.calc.results.update(results)
        return atoms

    def test_free_energy_comes_first(self):
        """In a metal, VASP's energy for zero smearing is not the one whose derivatives the forces are."""
        frames = Frames.from_atoms([self.atoms(energy=-9.50, free_energy=-9.52), self.atoms(energy=-9.50)])
        assert frames.energies.tolist() == [-9.52, -9.50]
        assert frames.energy_kinds.tolist() == ['free', '']

    def test_kind_that_is_known(self):
        atoms = self.atoms(energy=-9.5)
        atoms.info['energy_kind'] = 'sigma0'
        assert Frames.from_atoms([atoms]).energy_kinds.tolist() == ['sigma0']

    @pytest.mark.parametrize('nothing', [None, np.nan, np.inf, 'unknown'])
    def test_no_free_energy(self, nothing):
        frames = Frames.from_atoms([self.atoms(energy=-9.5, free_energy=nothing)])
        assert frames.energies.tolist() == [-9.5]
        assert frames.energy_kinds is None

    @pytest.mark.parametrize('energy', [np.array([-9.5]), np.array([[-9.5]]), np.float32(-9.5), [-9.5]])
    def test_energy_of_one_element(self, energy):
        assert Frames.from_atoms([self.atoms(energy=energy, forces=np.zeros((2, 3)))]).energies.tolist() == [-9.5]

    @pytest.mark.parametrize('shape', [(3, 3), (9,)])
    def test_stress_as_a_matrix(self, shape):
        matrix = np.array([[1.0, 6.0, 5.0], [6.0, 2.0, 4.0], [5.0, 4.0, 3.0]])
        frames = Frames.from_atoms([self.atoms(stress=matrix.reshape(shape)), self.atoms(stress=np.arange(1.0, 7.0))])
        np.testing.assert_array_equal(frames.stresses, [[1, 2, 3, 4, 5, 6]] * 2)

    @pytest.mark.parametrize(
        ('results', 'name'),
        [
            ({'energy': [1.0, 2.0]}, 'energy'),
            ({'stress': np.zeros(5)}, 'stress'),
            ({'forces': np.zeros((3, 3))}, 'forces'),
            ({'energy': 'unknown'}, 'energy'),
        ],
    )
    def test_wrong_shape(self, results, name):
        with pytest.raises(FramesError, match=f'The {name} of frame 1 cannot be taken over'):
            Frames.from_atoms([self.atoms(), self.atoms(**results)])

    def test_constraints_do_not_touch_forces(self):
        """What a constraint zeroes is no force; ASE does so in `get_forces` unless it is told not to."""
        atoms = self.atoms(energy=-9.5, forces=np.ones((2, 3)))
        atoms.set_constraint(FixAtoms([0]))
        np.testing.assert_array_equal(Frames.from_atoms([atoms]).forces, np.ones((2, 3)))
        relaxed = bulk('Cu', cubic=True)
        relaxed.rattle(0.1, seed=0)
        relaxed.calc = EMT()
        free = relaxed.get_forces()
        relaxed.set_constraint(FixAtoms([0]))
        relaxed.get_forces()
        np.testing.assert_array_equal(Frames.from_atoms([relaxed]).forces, free)

    def test_partial_occupancies(self):
        images = [self.atoms(), read(CASES / 'disordered.cif')]
        with pytest.raises(
            FramesError, match=r'Frame 1 is no crystal .*stated is Li2O1.5S0.5, whole atoms would be Li3OS'
        ):
            Frames.from_atoms(images)


def test_densities():
    """Those of the crystals at their experimental lattice constants: LiF 2.64, bcc lithium 0.53 g/cm³."""
    frames = Frames.from_atoms([bulk('LiF', 'rocksalt', a=4.026), bulk('Li', 'bcc', a=3.51)])
    assert frames.densities == pytest.approx([2.64, 0.533], abs=2e-3)
    assert Frames.empty().densities.shape == (0,)
