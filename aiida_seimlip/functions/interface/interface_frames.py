"""What models have made of the structures of interfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.model_jobs import NOT_REACHED, Finished
from aiida_seimlip.options.interface.interface import InterfaceOptions
from aiida_seimlip.options.interface.interface_results import PlannedInterface
from aiida_seimlip.science.frames import Frames

STAGES = ('cells', 'slabs')
"""Jobs whose frames are read: without and with vacuum."""


@dataclass(frozen=True, eq=False)
class InterfaceFrames:
    """What a model has made of the structures of one interface; for each the graded frame, or why there is none.

    :param bulks: film and substrate as strained crystals.
    :param slabs: both in vacuum.
    :param candidates: interfaces.
    :param begin: the candidates before the relaxation.
    :param notes: relaxations that have not converged, in sentences.
    """

    bulks: tuple[Frames | str, Frames | str]
    slabs: tuple[Frames | str, Frames | str]
    candidates: list[Frames | str]
    begin: list[Atoms]
    notes: list[str]


def read_interfaces(
    settings: InterfaceOptions, planned: Sequence[PlannedInterface], outputs: Mapping[str, Any],
    structures: Mapping[str, FramesData],
) -> list[InterfaceFrames | None]:  # fmt: skip
    """Return what a model has made of each interface, None for those of which nothing was relaxed.

    :param settings: whether there is vacuum.
    :param planned: the interfaces, in order.
    :param outputs: of the jobs of the model.
    :param structures: ``cells`` and ``slabs`` as they were before.
    """
    problem = outputs['problem'].value if 'problem' in outputs else NOT_REACHED
    given = {name: structures[name].get_frames().to_atoms() if name in structures else [] for name in STAGES}
    jobs = {name: Finished.of(outputs.get(name, {}), len(atoms), problem) for name, atoms in given.items()}
    jobs = {name: job.graded_by(outputs.get('potential')) for name, job in jobs.items()}
    places = dict.fromkeys(STAGES, 0)
    read: list[InterfaceFrames | None] = []
    for entry in planned:
        if not entry.candidates:
            read.append(None)
            continue
        taken: dict[str, list[int]] = {}
        for name in STAGES:
            size = 2 + (len(entry.candidates) if (name == 'slabs') == settings.has_vacuum else 0)
            taken[name] = list(range(places[name], places[name] + size))
            places[name] += size
        read.append(_frames_of('slabs' if settings.has_vacuum else 'cells', taken, jobs, given))
    return read


def _frames_of(
    place: str, taken: Mapping[str, list[int]], jobs: Mapping[str, Finished], given: Mapping[str, list[Atoms]]
) -> InterfaceFrames:
    """Return the frames of one interface.

    :param place: job that has relaxed the interfaces themselves.
    :param taken: indices of its frames in each job.
    """
    frames = {
        name: [jobs[name].failures.get(index) or jobs[name].among([index]) for index in indices]
        for name, indices in taken.items()
    }
    notes = [
        f'{_what(name, number)}: {jobs[name].notes[index]}'
        for name, indices in taken.items() for number, index in enumerate(indices) if index in jobs[name].notes
    ]  # fmt: skip
    (film, substrate, *_), (in_vacuum, on_its_own, *_) = frames['cells'], frames['slabs']
    begin = [given[place][index] for index in taken[place][2:]]
    return InterfaceFrames((film, substrate), (in_vacuum, on_its_own), frames[place][2:], begin, notes)


def _what(stage: str, number: int) -> str:
    """Return what a frame is, in words."""
    kind = 'strained crystal' if stage == 'cells' else 'slab'
    return f'The interface {number - 2}' if number > 1 else f'The {kind} of the {("film", "substrate")[number]}'
