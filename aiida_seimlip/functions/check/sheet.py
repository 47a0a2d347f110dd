"""How the lines of a report on a program are made."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiida import orm

from aiida_seimlip.options.check.check import CheckLimits
from aiida_seimlip.options.check.report import CheckRecord, Status
from aiida_seimlip.science.analysis.consistency import explain_difference
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

LOOK_AT_JOB = 'Read what the job printed (`verdi calcjob outputcat PK`, `verdi process report PK`).'


@dataclass
class Sheet:
    """The lines of a report, as far as they are written.

    :param processes: what is known of each process, by the name of its job: ``uuid``, ``pk``, ``exit_status``,
        ``message``; as the output `processes` of the WorkChain.
    """

    processes: Mapping[str, Mapping[str, Any]]
    checks: list[CheckRecord] = field(default_factory=list)

    def compare(
        self, name: str, value: float, limit: float, *, unit: str, job: str | None, good: str, bad: str, remedy: str,
        otherwise: Status = 'failed',
    ) -> None:  # fmt: skip
        """Write the line of something measured, green if it is not above a limit.

        :param name: of the line.
        :param value: what was measured; a value that is not finite fails.
        :param limit: the largest value that passes.
        :param unit: of both.
        :param job: where it was measured.
        :param good: the sentence if it passes.
        :param bad: the sentence if it fails.
        :param remedy: what to do if it fails.
        :param otherwise: status of the line if it fails.
        """
        passed = math.isfinite(value) and value <= limit
        self.checks.append(
            CheckRecord(
                name=name, status='passed' if passed else otherwise, message=good if passed else bad,
                value=value if math.isfinite(value) else None, limit=limit, unit=unit,
                remedy=None if passed else remedy, process_uuid=self.uuid(job),
            )
        )  # fmt: skip

    def note(self, name: str, message: str, job: str | None, *, value: float | None = None, unit: str = '') -> None:
        """Write a green line on something that has no limit."""
        self.checks.append(
            CheckRecord(
                name=name, status='passed', message=message, value=value, unit=unit, process_uuid=self.uuid(job)
            )
        )

    def fail(self, name: str, message: str, remedy: str, job: str | None = None) -> None:
        """Write a red line."""
        self.checks.append(
            CheckRecord(name=name, status='failed', message=message, remedy=remedy, process_uuid=self.uuid(job))
        )

    def warn(self, name: str, message: str, remedy: str, job: str | None = None) -> None:
        """Write a line on what to know before the program is used."""
        self.checks.append(
            CheckRecord(name=name, status='warning', message=message, remedy=remedy, process_uuid=self.uuid(job))
        )

    def skip(self, names: Collection[str], message: str) -> None:
        """Write a line for each name that an earlier failure stood in the way of."""
        self.checks += [CheckRecord(name=name, status='skipped', message=message) for name in names]

    def pass_over(self, name: str, message: str) -> None:
        """Write the line of something that does not apply to this program."""
        self.checks.append(CheckRecord(name=name, status='not applicable', message=message))

    def ran(self, job: str, names: Collection[str], *, expected: Collection[int] = (0,), remedy: str = '') -> bool:
        """Return whether a job ended as it should; if not, write that in red, and what depends on it is skipped.

        :param job: name of the job.
        :param names: of the lines that depend on it.
        :param expected: exit statuses that are fine.
        :param remedy: what to do; by default to look at the job.
        """
        process = self.processes.get(job)
        if process is None:
            self.skip(names, f'The job `{job}` was not run.')
            return False
        if process['exit_status'] in expected:
            return True
        self.fail(f'job {job}', describe_end(process), remedy or LOOK_AT_JOB, job)
        self.skip(names, f'The job `{job}` failed.')
        return False

    def uuid(self, job: str | None) -> str | None:
        """Return the UUID of the process of a job."""
        return self.processes.get(job, {}).get('uuid') if job else None


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of some frames, NaN where unknown.

    :param energies: in eV; shape (n_frames,).
    :param forces: in eV/Å; shape (n_atoms, 3).
    :param stresses: in eV/Å³, Voigt's order; shape (n_frames, 6).
    :param sizes: number of atoms; shape (n_frames,).
    """

    energies: np.ndarray
    forces: np.ndarray
    stresses: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, frames: Frames) -> Labels:
        """Take the labels of frames."""
        n_frames, n_atoms = len(frames), frames.numbers.size
        return cls(
            energies=np.full(n_frames, np.nan) if frames.energies is None else frames.energies,
            forces=np.full((n_atoms, 3), np.nan) if frames.forces is None else frames.forces,
            stresses=np.full((n_frames, 6), np.nan) if frames.stresses is None else frames.stresses,
            sizes=frames.sizes,
        )

    def energy_difference(self, other: Labels) -> float:
        """Return the largest difference of energies in eV per atom."""
        return float((np.abs(self.energies - other.energies) / self.sizes).max())

    def force_difference(self, other: Labels) -> float:
        """Return the largest difference of a component of the forces in eV/Å."""
        return float(np.abs(self.forces - other.forces).max())

    def stress_difference(self, other: Labels) -> float:
        """Return the largest difference of a component of the stresses in GPa."""
        return float(np.abs(self.stresses - other.stresses).max()) * EV_PER_A3_TO_GPA

    def excess(self, other: Labels, limits: CheckLimits, *, with_stress: bool = True) -> float:
        """Return the largest difference in units of its limit."""
        excesses = [self.energy_difference(other) / limits.energy, self.force_difference(other) / limits.force]
        return max(*excesses, self.stress_difference(other) / limits.stress if with_stress else 0.0)


def compare_labels(
    sheet: Sheet, found: Labels, expected: Labels, limits: CheckLimits, *, job: str, names: Sequence[str], remedy: str,
    whose: str = 'our own evaluation',
) -> None:  # fmt: skip
    """Write three lines that compare energies, forces and stresses with another evaluation of the same potential.

    :param found: what the program says.
    :param expected: what the other evaluation says.
    :param limits: up to where differences are taken for rounding.
    :param job: where they come from.
    :param names: of the three lines.
    :param remedy: what to do if one is red.
    :param whose: the other evaluation.
    """
    rows = (
        (found.energy_difference(expected), limits.energy, 'eV/atom', found.energies, expected.energies),
        (found.force_difference(expected), limits.force, 'eV/Å', found.forces, expected.forces),
        (found.stress_difference(expected), limits.stress, 'GPa', found.stresses[0], expected.stresses[0]),
    )
    for name, (value, limit, unit, theirs, ours) in zip(names, rows, strict=True):
        sheet.compare(
            name, value, limit, unit=unit, job=job, good=f'Equal to {whose}.',
            bad=f'Compared with {whose}, the numbers {explain_difference(theirs, ours)}.', remedy=remedy,
        )  # fmt: skip


def describe_end(process: Mapping[str, Any]) -> str:
    """Say how a process ended that did not end as it should.

    :param process: an entry of ``processes``.
    """
    message = (process['message'] or '').strip() or 'there is no message'
    status = process['exit_status']
    return f'It did not run: {message}' if status is None else f'It ended with status {status}: {message}'


def content(node: orm.Dict | None) -> dict[str, Any]:
    """Return the content of a node that may be missing."""
    return {} if node is None else node.get_dict()
