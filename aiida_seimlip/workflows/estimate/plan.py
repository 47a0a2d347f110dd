"""Jobs that are going to be done, and the room that their results take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.cost import NPY_HEADER, Known

LABELLED: tuple[Known, ...] = ('energies', 'forces', 'stresses', 'methods', 'origins', 'steps')
"""What is known of a labelled frame."""

THERMO_COLUMNS = 19
"""Quantities in the thermodynamic output of LAMMPS."""

LOG_BYTES, LOG_ROW_BYTES = 2800, 230
"""What LAMMPS prints, which is kept: all that is not the thermodynamic output, and a row of that."""


@dataclass(frozen=True)
class Work:
    """Jobs of the same kind.

    :param name: what they are for.
    :param socket: the job that the program has in the workflow, such as ``dynamics``.
    :param n_jobs: how many there are, None if that is the business of the engine.
    :param steps: steps of each job, or frames of all jobs together; None if that is not known.
    :param atom_steps: atoms times steps (or frames) of all jobs together, None if that is not known.
    :param unit: what is counted.
    :param n_bytes: room that the results of all jobs take.
    :param level: of the potential that they evaluate, None if it is another model.
    :param with_grades: whether the grade is evaluated at every step, None if it is another model.
    """

    name: str
    socket: str
    n_jobs: int | None = None
    steps: int | None = None
    atom_steps: int | None = None
    unit: Literal['steps', 'frames'] = 'steps'
    n_bytes: int = 0
    level: int | None = None
    with_grades: bool | None = None


@dataclass(frozen=True)
class Plan:
    """All that a workflow is going to do.

    :param works: the jobs, kind by kind, in order.
    :param is_limit: whether these are upper limits, for a workflow that ends when it has what it wants.
    :param notes: what the numbers leave out, in sentences.
    """

    works: tuple[Work, ...]
    is_limit: bool = False
    notes: tuple[str, ...] = ()

    @property
    def n_bytes(self) -> int:
        """Room that all results take, in bytes."""
        return sum(work.n_bytes for work in self.works)


def thermo_bytes(n_rows: int) -> int:
    """Return the room that the thermodynamic output of a run takes in bytes, as numbers and as it was printed.

    :param n_rows: of the output.
    """
    return THERMO_COLUMNS * (NPY_HEADER + 8 * n_rows) + LOG_BYTES + LOG_ROW_BYTES * n_rows


def sizes_of(node: FramesData | orm.StructureData) -> list[int]:
    """Return the number of atoms of each configuration of a node."""
    if isinstance(node, FramesData):
        return [int(size) for size in node.get_frames().sizes]
    return [len(node.sites)]
