"""What can be wrong with the inputs of a calibration: found at submission, told in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.labels import explain_predictions
from aiida_seimlip.data.learned import is_same
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.models.calibration import find_unusable
from aiida_seimlip.options.models.calibration import CalibrationOptions
from aiida_seimlip.science.analysis.conformal import frames_needed


def find_faults(inputs: Mapping[str, Any], options: CalibrationOptions) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    :param options: among them.
    """
    potential, frames = inputs['potential'], inputs['frames']
    yield from _faults_of_potential('potential', potential, frames)
    if potential.selection_mode is None:
        yield 'Input `potential` has no active set, so that it knows no extrapolation grades.'
    other = inputs.get('other')
    if other is not None:
        yield from _faults_of_potential('other', other, frames)
        if is_same(potential, other):
            yield 'Input `other` is the same potential as the input `potential`: the two never disagree.'
    predictions = explain_predictions('frames', frames)
    if predictions is not None:
        yield predictions
        return
    yield from _faults_of_number(frames, inputs.get('training', {}), options)


def _faults_of_potential(name: str, potential: PotentialData, frames: FramesData) -> Iterator[str]:
    if potential.family != 'mtp':
        yield f'Input `{name}` is of the family `{potential.family}`, but only moment tensor potentials have grades.'
    elif not potential.is_trained:
        yield f'Input `{name}` is a potential that is not trained.'
    unknown = [symbol for symbol in frames.elements if symbol not in potential.species]
    if unknown:
        yield f'Input `frames` holds {", ".join(unknown)}, which the input `{name}` does not know.'


def _faults_of_number(
    frames: FramesData, training: Mapping[str, FramesData], options: CalibrationOptions
) -> Iterator[str]:
    """Yield a sentence if too few frames are left, and why the others are left out."""
    if frames.is_left_out:
        yield 'Input `frames` holds nothing: its frames were left out of the archive that it came from.'
        return
    left_out = Counter(reason.partition(':')[0] for _, reason in find_unusable(frames.get_frames(), training))
    n_left, needed = frames.n_frames - sum(left_out.values()), frames_needed(options.levels[-1])
    if n_left < needed:
        why = ', '.join(f'{number} because {reason}' for reason, number in Counter(left_out).most_common())
        why = f' ({sum(left_out.values())} are left out: {why})' if left_out else ''
        yield (
            f'Input `frames` holds {n_left} frames to learn from{why}, but the quantile of '
            f'{100 * options.levels[-1]:g} % takes {needed} at least.'
        )
