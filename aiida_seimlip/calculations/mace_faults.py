"""What can be wrong with the inputs of a training of MACE; each function yields one sentence for each fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from aiida_seimlip.calculations.validation import faults_of_labels, faults_of_potential
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.held_out import divide_training
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.mace import MaceTrainOptions


def faults_of_training(options: MaceTrainOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look at the sets, the energies of isolated atoms, the start and the resources.

    :param options: what is asked for.
    :param inputs: of the job; those that a workflow gives later are absent.
    """
    start: PotentialData | None = inputs.get('start')
    if start is not None:
        yield from faults_of_start(options, start)
    if not options.atom_energies and start is None:
        yield (
            'Input `parameters` gives no `atom_energies`: MACE needs the energy of an isolated atom of each element by '
            'the method of the labels.'
        )
    sets = {
        f'{space}.{key}': node for space in ('training', 'validation') for key, node in inputs.get(space, {}).items()
    }  # fmt: skip
    for name, node in sets.items():
        yield from faults_of_set(name, node, options, start)
    if 'training' in inputs:
        yield from _faults_of_sizes(options, inputs)
    if inputs.get('replay'):
        yield from _faults_of_replay(options, inputs)
    yield from _faults_of_resources(options, inputs)


def faults_of_set(
    name: str, frames: FramesData, options: MaceTrainOptions, start: PotentialData | None
) -> Iterator[str]:
    """Look for frames without labels, without stresses that are learned from, and for elements without energies.

    :param name: of the input.
    :param frames: labelled frames.
    :param options: what is asked for.
    :param start: what the training goes on from, None if it begins anew.
    """
    if not frames.n_frames:
        yield f'Input `{name}` holds no frames.'
    yield from faults_of_labels(name, frames)
    known = list(options.atom_energies) or ([] if start is None else list(start.species))
    lacking = [element for element in frames.elements if known and element not in known]
    if lacking and options.atom_energies:
        yield f'Input `parameters` gives no {", ".join(lacking)} among `atom_energies`, which input `{name}` holds.'
    elif lacking:
        yield f'Input `{name}` holds {", ".join(lacking)}, which the input `start` does not know.'
    if options.uses_stress:
        yield from _faults_of_stresses(name, frames, options)


def _faults_of_stresses(name: str, frames: FramesData, options: MaceTrainOptions) -> Iterator[str]:
    """Look for frames that MACE would leave out of the stresses without a word."""
    if 'stresses' in frames.get_arraynames():
        known = int(np.isfinite(frames.get_array('stresses')).all(axis=1).sum())
    else:
        known = 0
    lacking = frames.n_frames - known
    if lacking and not (known and options.allow_missing_stresses):
        advice = 'set `stress_weight: 0`' + (', or `allow_missing_stresses: true`' if known else '')
        yield (
            f'Input `{name}` has no stress of {lacking} of {frames.n_frames} frames, but `parameters` gives stresses '
            f'a weight of {options.stress_weight:g}: {advice}.'
        )


def faults_of_start(options: MaceTrainOptions, start: PotentialData) -> Iterator[str]:
    """Look for a start of another family or of other species, and for one that can run code.

    :param options: what is asked for.
    :param start: the input `start`.
    """
    yield from faults_of_potential('start', start, family='mace')
    if start.family != 'mace':
        return
    asked = set(options.atom_energies)
    if not start.is_torchscript:
        if not options.trust_model:
            yield (
                'Input `start` holds a model that is not in TorchScript, which can run any code on the computer of the '
                'job: add `trust_model: true` to `parameters` if you know who made it.'
            )
        lacking = sorted(asked - set(start.species))
        if lacking:
            yield f'Input `start` does not know {", ".join(lacking)}, of which `parameters` gives `atom_energies`.'
        return
    if asked and asked != set(start.species):
        yield (
            f'Input `start` is for {list(start.species)}, but `parameters` gives `atom_energies` of '
            f'{list(options.atom_energies)}: a model that is gone on from stays for the same species.'
        )
    if abs(start.cutoff - options.r_max) > 1e-6:
        yield (
            f'Input `start` has a cut-off of {start.cutoff:g} Å, but `parameters` asks for `r_max` {options.r_max:g}: '
            'a model that is gone on from stays of the same size.'
        )


def _faults_of_replay(options: MaceTrainOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for a replay without a model that has several heads, with another loss than MACE's, or of other elements."""
    start: PotentialData | None = inputs.get('start')
    replay = inputs['replay']
    if start is None or start.is_torchscript:
        yield 'Input `replay` is given, but no pickled `start`: only such a one is fine-tuned with two heads.'
        return
    if options.loss != 'universal':
        yield (
            f'Input `parameters` asks for the loss `{options.loss}`, but with the input `replay` MACE takes '
            '`universal`.'
        )
    known = set(options.atom_energies) or {
        element for space in ('training', 'validation') for node in inputs.get(space, {}).values()
        for element in node.elements
    }  # fmt: skip
    for key, node in replay.items():
        yield from faults_of_set(f'replay.{key}', node, options, start)
        lacking = sorted(set(node.elements) - known)
        if lacking and not options.atom_energies:
            yield f'Input `replay.{key}` holds {", ".join(lacking)}, which neither `training` nor `validation` does.'
    if sum(node.n_frames for node in replay.values()) < 2:
        yield 'Input `replay` holds less than two frames: of two at least one is held out for validation.'


def _faults_of_sizes(options: MaceTrainOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for an empty validation set, and for a batch that is larger than the training set."""
    training = inputs['training']
    if not training:
        yield 'Input `training` is empty: at least one set of frames is needed.'
        return
    n_all = sum(node.n_frames for node in training.values())
    if inputs.get('validation'):
        n_training = n_all
    elif n_all < 2:
        yield f'Input `training` holds {n_all} frame: of two at least one is held out for validation.'
        return
    else:
        n_training = len(divide_training(training, None, options.validation_fraction, options.seed)[0])
    if options.batch_size > n_training:
        yield (
            f'Input `parameters` asks for a `batch_size` of {options.batch_size}, but the training set holds '
            f'{n_training} frames without those held out.'
        )


def _faults_of_resources(options: MaceTrainOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for more threads than the job has cores: one too many slows the training down many times."""
    scheduler = dict((inputs.get('metadata') or {}).get('options') or inputs.get('options') or {})
    resources = dict(scheduler.get('resources') or {})
    names = ('num_cores_per_mpiproc', 'num_cores_per_machine', 'num_mpiprocs_per_machine', 'tot_num_mpiprocs')
    cores = next((resources[name] for name in names if resources.get(name)), 0)
    if cores and options.threads > cores:
        yield (
            f'Input `parameters` asks for {options.threads} `threads`, but the `resources` of the scheduler give '
            f'the job {cores} cores.'
        )
