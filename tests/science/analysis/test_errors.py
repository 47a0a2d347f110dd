"""Tests for `science.analysis.errors`."""

import re
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.science.analysis.errors import compute_errors, divide_errors
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate

FIXTURES = Path(__file__).parents[2] / 'fixtures' / 'mlip3'
SPECIES = ('Li', 'C', 'O')
BLOCKS = {
    'Energy': 'energy',
    'Energy per atom': 'energy_per_atom',
    'Forces': 'force',
    'Stresses (in energy units)': 'stress_energy',
    'Virial stresses (in pressure units)': 'stress_pressure',
}


def recorded_report(case: str) -> dict[str, list[str]]:
    """Return the numbers of each block of an errors report as printed."""
    text = (FIXTURES / case / 'stdout.txt').read_text()
    text = text[text.index('Errors report') :]
    blocks = re.findall(r'^(\w[^\n]*):\n((?:\t.*\n)+)', text, flags=re.MULTILINE)
    return {name: re.findall(r'(?:for|=) ([\d.e+-]+)', block) for name, block in blocks}


@pytest.fixture
def reference() -> Frames:
    return read_cfg(FIXTURES / 'shared' / 'valid16.cfg', SPECIES).frames


@pytest.mark.parametrize(
    ('case', 'potential', 'frames'),
    [
        ('10_check_errors', 'l08_nbh_40', 'valid16'),
        ('01_train_l08', 'l08_nbh_40', 'train40'),
        ('02_train_l08_AL', 'l08_nbh_30', 'train30'),
    ],
)
def test_recorded(case, potential, frames):
    """All numbers of MLIP-3's report to all its six digits."""
    frames = read_cfg(FIXTURES / 'shared' / f'{frames}.cfg', SPECIES).frames
    predicted = evaluate(read_almtp(FIXTURES / 'shared' / f'{potential}.almtp', SPECIES), frames)
    errors = compute_errors(frames, predicted)
    report = recorded_report(case)
    assert set(report) == set(BLOCKS)
    for name, printed in report.items():
        block = getattr(errors, BLOCKS[name])
        assert int(printed[0]) == block.count
        values = [block.max, block.mean, block.rms]
        if len(printed) > 4:
            values += [block.max / block.reference_max, block.rms / block.reference_rms]
        np.testing.assert_allclose(values, [float(number) for number in printed[1:]], rtol=6e-6)


def test_known_differences(reference):
    """Constant differences of each label."""
    n = reference.sizes[0]
    predicted = reference.replace(
        energies=reference.energies + 0.24, forces=reference.forces - 0.1, stresses=reference.stresses + 0.01
    )
    errors = compute_errors(reference, predicted)
    assert errors.energy.max == pytest.approx(0.24)
    assert errors.energy_per_atom.rms == pytest.approx(0.24 / n)
    assert errors.force_component.mean == pytest.approx(0.1)
    assert errors.force.rms == pytest.approx(0.1 * 3**0.5)
    assert errors.stress_component.rms == pytest.approx(1.602176634)
    assert errors.stress_pressure.max == pytest.approx(3 * 1.602176634)
    assert errors.stress_energy.max == pytest.approx(0.03 * reference.volumes.max())


def test_unknown_left_out(reference):
    energies, forces, stresses = reference.energies.copy(), reference.forces.copy(), reference.stresses.copy()
    energies[0], forces[3, 1], stresses[2, 0] = np.nan, np.nan, np.nan
    partial = reference.replace(energies=energies, forces=forces, stresses=stresses)
    errors = compute_errors(partial, reference)
    assert errors.energy.count == errors.energy_per_atom.count == 15
    assert errors.force.count == 383
    assert errors.stress_energy.count == errors.stress_pressure.count == 15
    assert errors.energy.max == errors.force.max == errors.stress_energy.max == 0.0


def test_no_stresses(reference):
    errors = compute_errors(reference.replace(stresses=None), reference)
    assert errors.stress_pressure.count == 0
    assert np.isnan(errors.stress_pressure.rms)
    assert errors.force.count == 384


def test_missing_prediction(reference):
    with pytest.raises(ValueError, match='lack forces'):
        compute_errors(reference, reference.replace(forces=None))


def test_other_frames(reference):
    with pytest.raises(ValueError, match='not those of the reference'):
        compute_errors(reference, reference[:3])


def shifted(frames, energies, forces):
    """Return frames whose energies per atom and forces differ by known amounts, frame by frame and atom by atom."""
    return frames.replace(
        energies=frames.energies + np.asarray(energies) * frames.sizes, forces=frames.forces + forces[:, None]
    )  # fmt: skip


def mixture():
    """Return labelled frames of two compositions, which take turns."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    rng, images = np.random.default_rng(4), []
    for symbols in ('Li2O', 'LiF', 'Li2O'):
        atoms = Atoms(symbols, positions=rng.uniform(0, 5, (len(Atoms(symbols)), 3)), cell=[5] * 3, pbc=True)
        labels = {'energy': rng.normal(), 'forces': rng.normal(size=(len(atoms), 3)), 'stress': rng.normal(size=6)}
        atoms.calc = SinglePointCalculator(atoms, **labels)
        images.append(atoms)
    return Frames.from_atoms(images)


def test_by_composition_and_element():
    frames = mixture()
    size = {3: 0.1, 8: 0.2, 9: 0.4}
    predicted = shifted(frames, [0.003, 0.001, 0.004], np.array([size[number] for number in frames.numbers]))
    parts = divide_errors(frames, predicted)
    assert list(parts.by_formula) == ['FLi', 'Li2O']
    assert parts.by_formula['FLi'].energy_per_atom.rms == pytest.approx(0.001)
    assert parts.by_formula['Li2O'].energy_per_atom.rms == pytest.approx(np.sqrt((0.003**2 + 0.004**2) / 2))
    assert parts.by_formula['FLi'].force_component.rms == pytest.approx(np.sqrt((0.1**2 + 0.4**2) / 2))
    assert parts.by_formula['Li2O'].energy.count == 2
    found = {symbol: errors.rms for symbol, errors in parts.force_by_element.items()}
    assert found == pytest.approx({'Li': 0.1, 'O': 0.2, 'F': 0.4})
    assert sum(errors.count for errors in parts.force_by_element.values()) == 3 * len(frames.numbers)


def test_parts_add_up_to_the_whole():
    frames = mixture()
    predicted = shifted(frames, [0.1, 0.2, 0.3], np.random.default_rng(1).normal(size=len(frames.numbers)))
    parts, whole = divide_errors(frames, predicted), compute_errors(frames, predicted)
    squares = [errors.count * errors.rms**2 for errors in parts.force_by_element.values()]
    assert sum(squares) == pytest.approx(whole.force_component.count * whole.force_component.rms**2)
    squares = [part.energy_per_atom.count * part.energy_per_atom.rms**2 for part in parts.by_formula.values()]
    assert sum(squares) == pytest.approx(3 * whole.energy_per_atom.rms**2)


def test_parts_of_frames_without_forces():
    frames = mixture().replace(forces=None)
    parts = divide_errors(frames, frames)
    assert parts.force_by_element == {}
    assert parts.by_formula['Li2O'].force_component.count == 0
