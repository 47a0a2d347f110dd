"""Files as programs write them, in a thousand forms: the truth comes out, or one sentence that says why not."""

import bz2
import gzip
import random

import numpy as np
import pytest

from aiida_seimlip.exchange.readers.found import ReadError, ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames
from aiida_seimlip.science.units import voigt_to_tensor

NUMBER = 600
ENERGIES = ('energy', 'Energy', 'REF_energy', 'dft_energy', 'DFT_energy', 'total_energy', 'ref_energy')
FREE = ('free_energy', 'REF_free_energy', 'dft_free_energy')
FORCES = ('forces', 'force', 'REF_forces', 'dft_force', 'dft_forces', 'DFT_forces', 'Forces')
STRESSES = ('stress', 'REF_stress', 'dft_stress', 'Stress')
VIRIALS = ('virial', 'virials', 'REF_virial', 'REF_virials', 'dft_virial', 'Virials')
UNKNOWN = ('mace_energy', 'my_forces', 'energy_corrected', 'stress_kbar', 'virial_old')
OTHERS = ('config_type=bulk', 'note="a b=c"', 'energy_weight=2.0', 'charge=1', 'flag', "name='x y'", 'tags="[1, 2]"')


class Variant:
    """A file in a form drawn at random, and the truth about it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        generator = np.random.default_rng(seed)
        self.n_atoms = self.random.choice([1, 2, 11])
        self.cell = generator.normal(size=(3, 3)) + 8 * np.eye(3)
        self.symbols = [self.random.choice(['Li', 'F', 'C']) for _ in range(self.n_atoms)]
        self.positions, self.forces = generator.normal(size=(2, self.n_atoms, 3))
        self.energy, self.stress = float(generator.normal()) * 100, generator.normal(size=6) * 0.1
        self.pairs = []
        self.columns = [('pos', 'R', self.positions), (self.random.choice(FORCES), 'R', self.forces)]
        self.fault = None
        self.energies()
        self.stresses()
        self.faults()
        if self.random.random() < 0.3:
            self.columns.append(('magmom', 'R', np.ones((self.n_atoms, 1))))
        self.pairs += self.random.sample(OTHERS, self.random.randint(0, 3))

    def energies(self):
        self.is_free = self.random.random() < 0.4
        self.pairs.append(f'{self.random.choice(FREE if self.is_free else ENERGIES)}={self.energy!r}')
        if self.is_free and self.random.random() < 0.5:
            self.pairs.append(f'{self.random.choice(ENERGIES)}={self.energy + 0.02!r}')

    def stresses(self):
        self.has_stress = self.random.random() < 0.8
        if not self.has_stress:
            return
        volume = abs(np.linalg.det(self.cell))
        ways = [(self.random.choice(STRESSES), 1.0), (self.random.choice(VIRIALS), -volume)]
        for key, factor in self.random.sample(ways, self.random.randint(1, 2)):
            self.pairs.append(f'{key}={self.brackets(factor * self.stress)}')

    def brackets(self, voigt):
        """Write a stress or virial in one of the ways in which people do."""
        matrix = voigt_to_tensor(voigt).tolist()
        six, nine = ' '.join(map(repr, voigt.tolist())), ' '.join(map(repr, np.ravel(matrix).tolist()))
        return self.random.choice([
            f'"{six}"', f'"{nine}"', f'{{{nine}}}', f'"_JSON {matrix}"', f'{matrix}'.replace(' ', ''), f"'{nine}'",
            f'"{nine.replace(" ", ", ")}"', f'"{matrix}"',
        ])  # fmt: skip

    def faults(self):
        """Make one frame in four wrong, or put a label into it that nobody knows."""
        faults = {
            'unknown': lambda: self.pairs.append(f'{self.random.choice(UNKNOWN)}=1.5'),
            'disagree': lambda: self.pairs.append(f'qm_{"free_" if self.is_free else ""}energy={self.energy + 5!r}'),
            'forces': lambda: self.columns.append(('qm_forces', 'R', self.forces + 1)),
            'asymmetric': lambda: self.pairs.append('qm_stress="1 2 3 4 5 6 7 8 9"'),
            'text': lambda: self.pairs.append('QM_energy=abc'),
            'short': lambda: self.pairs.append('qm_virial="1 2 3"'),
        }
        if self.random.random() < 0.25:
            self.fault = self.random.choice([*faults])
            faults[self.fault]()

    def text(self):
        columns = [('species', 'S', np.array(self.symbols)[:, None]), *self.columns]
        if self.random.random() < 0.5:
            self.random.shuffle(columns)
        layout = ':'.join(f'{name}:{kind}:{values.shape[1]}' for name, kind, values in columns)
        names = ('Lattice', 'Properties') if self.random.random() < 0.8 else ('lattice', 'properties')
        lattice = ' '.join(map(repr, self.cell.ravel().tolist()))
        pairs = [f'{names[0]}="{lattice}"', f'{names[1]}={layout}', *self.pairs]
        pairs += self.random.choice([[], ['pbc="T T T"'], ['pbc=[T,T,T]']])
        self.random.shuffle(pairs)
        rows = [
            self.random.choice([' ', '  ', '\t']).join(
                word if isinstance(word, str) else repr(float(word))
                for _, _, values in columns
                for word in values[atom].tolist()
            )
            for atom in range(self.n_atoms)
        ]
        end = self.random.choice(['\n', '\r\n'])
        return end.join([f'{self.n_atoms}', ' '.join(pairs), *rows, ''])

    def write(self, folder):
        content = self.text().encode()
        content = b'\xef\xbb\xbf' + content if self.random.random() < 0.1 else content
        pack = self.random.choice([bytes, bytes, gzip.compress, bz2.compress])
        path = folder / self.random.choice(['a.xyz', 'a.extxyz', 'train.txt', 'a.xyz.gz', 'a.cfg'])
        path.write_bytes(pack(content))
        return path


@pytest.mark.parametrize('part', range(6))
def test_the_truth_or_a_sentence(tmp_path, part):
    refused = 0
    for seed in range(part, NUMBER, 6):
        variant = Variant(seed)
        path = variant.write(tmp_path)
        if variant.fault is not None:
            with pytest.raises(ReadError) as info:
                read_frames([path], ReadOptions(method='PBE'))
            assert path.name in str(info.value), seed
            assert '\n' not in str(info.value), seed
            refused += 1
            continue
        frames = read_frames([path], ReadOptions(method='PBE')).frames
        message = f'seed {seed}: {path.read_bytes()[:800]!r}'
        assert frames.energies.tolist() == [variant.energy], message
        assert frames.energy_kinds is None or frames.energy_kinds.tolist() == ['free'], message
        assert (frames.energy_kinds is not None) == variant.is_free, message
        np.testing.assert_array_equal(frames.forces, variant.forces, err_msg=message)
        np.testing.assert_array_equal(frames.positions, variant.positions, err_msg=message)
        np.testing.assert_array_equal(frames.cells[0], variant.cell, err_msg=message)
        assert (frames.stresses is not None) == variant.has_stress, message
        if variant.has_stress:
            np.testing.assert_allclose(frames.stresses[0], variant.stress, rtol=1e-12, err_msg=message)
    assert refused > NUMBER / 60
