"""Calcfunctions that ask whether a potential may be trusted where it was used, and the program that used it."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.expected_errors import expect_force_error
from aiida_seimlip.options.transport.diffusivity import DomainOptions, ParityLimits
from aiida_seimlip.options.transport.results import ParityRecord
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

BAR_TO_GPA = 1e-4
SINGLE_PRECISION = 1e-4
"""Difference of energies in eV per atom that rounding in single precision makes at most; 3.2e-5 was seen."""


@calcfunction
def compare_start(
    options: orm.Dict, potential: PotentialData, evaluated: FramesData, results: orm.Dict,
    reference: FramesData | None = None,
) -> orm.Dict:  # fmt: skip
    """Compare what a program says of a configuration with another evaluation of the same potential.

    In single precision, an energy is the sum of many rounded ones: for a MACE potential that is not known to be in
    double precision its limit is `SINGLE_PRECISION` at least.

    Where the program gave no stress, its pressure is compared: the configuration must be at rest then.

    :param options: of the workflow, for the limits in its section `parity` (`ParityLimits`).
    :param potential: of any family.
    :param evaluated: by the program, with energies (eV) and forces (eV/Å); the first frame counts.
    :param results: of the run; its `mean_pressure` is in bar.
    :param reference: the same configuration, evaluated by the program that the potential comes from; by default our own
        kernel evaluates it, which knows moment tensor potentials.
    :return: a `ParityRecord`.
    """
    frame = evaluated.get_frames()[0]
    pressure = results.get('mean_pressure', None)
    limits = ParityLimits.from_node(options.get_dict().get('parity'))
    if reference is not None:
        if potential.family == 'mace' and potential.dtype != 'float64':
            limits = limits.model_copy(update={'energy': max(limits.energy, SINGLE_PRECISION)})
        theirs = reference.get_frames()[0]
        record = _compare(frame, theirs, pressure, limits, words=("MACE's own evaluation", "MACE's own"))
        return orm.Dict(record.model_dump(mode='json'))
    from aiida_seimlip.science.mtp.evaluate import evaluate

    mtp = potential.get_mtp()
    record = _compare(frame, evaluate(mtp, frame.without_labels()), pressure, limits)
    if potential.selection_mode is not None:
        from aiida_seimlip.science.mtp.grade import grade

        record = record.model_copy(update={'grade': float(grade(mtp, frame).frame[0])})
    return orm.Dict(record.model_dump(mode='json'))


@calcfunction
def audit_grades(options: orm.Dict, potential: PotentialData, **trajectories: FramesData) -> orm.Dict:
    """Return how far a potential had to extrapolate in each run, evaluated by our own kernel.

    :param options: of the workflow: threshold, and how many frames are looked at, in its section `domain`
        (`DomainOptions`).
    :param potential: a moment tensor potential with an active set.
    :param trajectories: whole frames of each run.
    :return: for each run ``n_graded``, ``n_above``, ``share_above_threshold``, ``highest_grade`` and
        ``expected_force_error`` (as `ExpectedForceError`).
    """
    from aiida_seimlip.science.mtp.grade import grade

    domain = DomainOptions.from_node(options.get_dict().get('domain'))
    mtp = potential.get_mtp()
    audit: dict[str, dict[str, Any]] = {}
    for key, node in sorted(trajectories.items()):
        grades = grade(mtp, thin_out(node.get_frames(), domain.max_frames)).frame
        n_above = int(np.count_nonzero(~(grades <= domain.threshold)))
        highest = float(grades.max()) if grades.size else None
        expected = expect_force_error(potential, highest)
        audit[key] = {
            'n_graded': int(grades.size), 'n_above': n_above,
            'share_above_threshold': n_above / grades.size if grades.size else None, 'highest_grade': highest,
            'expected_force_error': None if expected is None else expected.model_dump(mode='json'),
        }  # fmt: skip
    return orm.Dict(audit)


def thin_out(frames: Frames, limit: int) -> Frames:
    """Return at most so many frames, drawn evenly, the first and the last among them.

    :param frames: in order of time.
    :param limit: number of frames.
    """
    if len(frames) <= limit:
        return frames
    return frames[np.unique(np.linspace(0, len(frames) - 1, limit).round().astype(int))]


def _compare(
    theirs: Frames, ours: Frames, pressure: float | None, limits: ParityLimits,
    words: tuple[str, str] = ('our own evaluation', 'our own'),
) -> ParityRecord:  # fmt: skip
    """Compare two evaluations of one configuration.

    :param theirs: of the program.
    :param ours: of our kernel.
    :param pressure: that the program found, in bar; it counts where `theirs` has no stress.
    :param limits: of the differences.
    :param words: what `ours` is called, whole and without its noun.
    """
    energy = _largest(_minus(theirs.energies, ours.energies), scale=1.0 / int(ours.sizes[0]))
    forces = _largest(_minus(theirs.forces, ours.forces))
    stress = _stress_difference(theirs, ours, pressure)
    wrong = []
    for name, value, unit in (('energy', energy, 'eV per atom'), ('forces', forces, 'eV/Å'), ('stress', stress, 'GPa')):
        limit = getattr(limits, name)
        if value is None and name != 'stress':
            wrong.append(f'{name}: the program gave none that is finite')
        elif value is not None and value > limit:
            wrong.append(f'{name} by {value:.3g} {unit} (allowed are {limit:g})')
    message = f'The start differs from {words[0]}: {", ".join(wrong)}.'
    if not wrong:
        message = f'Energy and forces of the start are {words[1]}, to {energy:.1e} eV per atom and {forces:.1e} eV/Å.'
    return ParityRecord(
        is_equal=not wrong, energy_difference=energy, energy_limit=limits.energy, forces_difference=forces,
        forces_limit=limits.forces, stress_difference=stress, stress_limit=limits.stress, message=message,
    )  # fmt: skip


def _stress_difference(theirs: Frames, ours: Frames, pressure: float | None) -> float | None:
    """Return the largest difference of the stress components, or else of the pressures, in GPa."""
    difference = _largest(_minus(theirs.stresses, ours.stresses), scale=EV_PER_A3_TO_GPA)
    if difference is not None or pressure is None or ours.stresses is None:
        return difference
    return float(abs(pressure * BAR_TO_GPA + ours.stresses[0, :3].mean() * EV_PER_A3_TO_GPA))


def _minus(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return None if one is None or other is None else one - other


def _largest(difference: np.ndarray | None, scale: float = 1.0) -> float | None:
    """Return the largest absolute value times a factor; None if something is not known or not finite."""
    if difference is None or not np.isfinite(difference).all():
        return None
    return float(np.abs(difference).max()) * scale
