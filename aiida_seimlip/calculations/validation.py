"""What can be wrong with the inputs of a job: each function yields one sentence, naming the input, for each fault.

They look at attributes only, never at files, so that submitting stays quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm
from aiida.engine import CalcJob, PortNamespace
from aiida.engine.processes.calcjobs.calcjob import validate_calc_job

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.labels import explain_predictions
from aiida_seimlip.data.potential import PotentialData


class CheckedInputs:
    """A CalcJob that checks its inputs against each other; to be set as the validator of its inputs."""

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], namespace: PortNamespace) -> str | None:
        """Check the inputs against each other.

        :param inputs: all inputs.
        :param namespace: the ports; those that a workflow did not expose are not there.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        return validate_calc_job(inputs, namespace) or next(cls.find_faults(inputs), None)

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        raise NotImplementedError


def faults_of_code(name: str, code: orm.AbstractCode, entry_point: str) -> Iterator[str]:
    """Look for a code that is meant for another program.

    :param name: name of the input.
    :param entry_point: how the entry points of the plugins begin that run the program.
    """
    plugin = code.default_calc_job_plugin
    if plugin and not plugin.startswith(entry_point):
        yield f'Input `{name}` is a code for `{plugin}`, but one for `{entry_point}*` is needed.'


def explain_scheduler_options(options: orm.Dict | None, _: Any) -> str | None:
    """Check settings of the scheduler, as `metadata.options` of a CalcJob; those that are missing may be set later.

    :param options: of the input `options`.
    :return: one sentence that names the option at fault, or None if all is well.
    """
    metadata: Any = CalcJob.spec().inputs['metadata']
    ports = metadata['options']
    for name, value in ({} if options is None else options.get_dict()).items():
        if name not in ports:
            return f'Input `options` holds `{name}`, which no job knows (known are {", ".join(sorted(ports))}).'
        error = ports[name].validate(value)
        if error is not None:
            return f'Input `options` holds a wrong `{name}`: {error.message}.'
    return None


def explain_resources(code: orm.AbstractCode, options: orm.Dict) -> str | None:
    """Check the resources of a job against what the scheduler of the code's computer takes.

    :param code: what runs; one without a computer is passed over.
    :param options: settings of the scheduler.
    :return: one sentence, or None if all is well.
    """
    computer, resources = getattr(code, 'computer', None), options.get_dict().get('resources')
    if computer is None or resources is None:
        return None
    scheduler, filled = computer.get_scheduler(), dict(resources)
    scheduler.preprocess_resources(filled, computer.get_default_mpiprocs_per_machine())
    try:
        scheduler.validate_resources(**filled)
    except ValueError as exception:
        return f'Input `options` holds `resources` that `{computer.scheduler_type}` does not take: {exception}'
    return None


def faults_of_frames(name: str, frames: FramesData, species: Sequence[str]) -> Iterator[str]:
    """Look for an empty set, and for elements that a species list lacks.

    :param name: name of the input.
    :param species: of the potential that the frames are for.
    """
    if not frames.n_frames:
        yield f'Input `{name}` holds no frames.'
    lacking = [element for element in frames.elements if element not in species]
    if lacking:
        yield f'Input `{name}` holds {", ".join(lacking)}, which the species list {list(species)} lacks.'


def faults_of_labels(name: str, frames: FramesData) -> Iterator[str]:
    """Look for frames without labels, and for predictions that would be taken for labels.

    :param name: name of the input.
    """
    predictions = explain_predictions(name, frames)
    if predictions is not None:
        yield predictions
    lacking = frames.n_frames - frames.n_labelled - frames.n_predicted
    if lacking:
        yield (
            f'Input `{name}` holds {lacking} of {frames.n_frames} frames without a finite energy and finite forces: '
            'give the labelled ones only.'
        )


def faults_of_training_set(name: str, training: Mapping[str, FramesData], species: Sequence[str]) -> Iterator[str]:
    """Look for an empty training set, and in each of its parts for what `faults_of_frames` looks for.

    :param name: name of the namespace.
    :param species: of the potential that is trained, or was trained.
    """
    if not training:
        yield f'Input `{name}` is empty: at least one set of frames is needed.'
    for key, frames in training.items():
        yield from faults_of_frames(f'{name}.{key}', frames, species)


def faults_of_potential(
    name: str, potential: PotentialData, *, family: str = 'mtp', trained: bool = True, active_set: bool = False
) -> Iterator[str]:
    """Look for a potential that is of the wrong family, or not ready.

    :param name: name of the input.
    :param family: the family needed.
    :param trained: whether the potential must be trained.
    :param active_set: whether the potential must hold an active set.
    """
    if potential.family != family:
        yield f'Input `{name}` is a potential of the family `{potential.family}`, but `{family}` is needed.'
    elif trained and not potential.is_trained:
        yield f'Input `{name}` is a potential that is not trained.'
    elif active_set and potential.selection_mode is None:
        yield f'Input `{name}` is a potential without an active set, so that it knows no extrapolation grades.'


def faults_of_fixed(fixed: Sequence[int], frames: FramesData, name: str) -> Iterator[str]:
    """Look for atoms that are to stay in place, but are not there.

    :param fixed: their indices.
    :param frames: that they are atoms of.
    :param name: of the input that holds the frames.
    """
    if not fixed or not frames.n_frames:
        return
    smallest = int(frames.get_frames().sizes.min())
    if max(fixed) >= smallest:
        yield (
            f'Input `parameters` keeps atom {max(fixed)} in place, but a frame of input `{name}` has {smallest} atoms, '
            'numbered from 0.'
        )
