"""Moment tensor potentials as a calculator of ASE."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluation, Evaluator
from aiida_seimlip.science.mtp.grade import Grader
from aiida_seimlip.science.mtp.potential import MomentTensorPotential


class MtpCalculator(Calculator):
    """Energies (eV), forces (eV/Å) and stresses (eV/Å³) of a moment tensor potential, by this package's own kernel.

    The property ``grade`` is the highest extrapolation grade γ of a configuration, for potentials with an active set:
    ``calculator.get_property('grade', atoms)``.
    """

    implemented_properties = ['energy', 'free_energy', 'energies', 'forces', 'stress', 'grade']

    def __init__(
        self,
        potential: MomentTensorPotential | str | Path,
        species: Sequence[str] = (),
        *,
        with_grade: bool = False,
        **kwargs: Any,
    ) -> None:
        """Read the potential.

        :param potential: a trained potential, or a file in MLIP-3's format.
        :param species: chemical symbols in type order; needed with a file, which does not hold them.
        :param with_grade: whether to calculate the grade with each energy, which takes a third longer at level 16 and
            twice as long at level 22, and not only where it is asked for.
        :raises FormatError: if the file is not complete.
        :raises ValueError: if the potential is not trained, has no active set for the grade, or is for another number
            of species.
        """
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        if not isinstance(potential, MomentTensorPotential):
            path = Path(potential)
            potential = read_almtp(path.read_bytes(), tuple(species), name=path.name)
        self.potential = potential
        self._evaluator = Evaluator(potential)
        self._with_grade = with_grade and self._grader is not None

    @cached_property
    def _grader(self) -> Grader:
        return Grader(self.potential, self._evaluator)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ('energy',),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate a configuration.

        :param atoms: of the potential's species.
        :param properties: what is asked for; all but the grade is always calculated.
        :param system_changes: what has changed since the last time; not looked at.
        :raises FramesError: if an element is not among the potential's species.
        :raises PropertyNotImplementedError: if the stress of a cell that is not fully periodic is asked for, or the
            grade of a potential without an active set.
        """
        super().calculate(atoms, list(properties), list(system_changes))  # type: ignore[no-untyped-call]
        assert isinstance(self.atoms, Atoms)
        self._refuse(self.atoms, properties)
        with_grade = self._with_grade or 'grade' in properties
        frames = Frames.from_atoms([self.atoms])
        evaluation = self._evaluator.compute_frames(frames, with_local=with_grade)
        self.results = self._collect(evaluation, frames)
        if with_grade:
            assert evaluation.local is not None
            self.results['grade'] = self._grader.grade(frames.types(self.potential.species), evaluation.local)[0]

    def _refuse(self, atoms: Atoms, properties: Sequence[str]) -> None:
        """Refuse what is not defined for this configuration or this potential."""
        if 'stress' in properties and not atoms.pbc.all():
            raise PropertyNotImplementedError('The stress is defined for fully periodic configurations only.')
        if 'grade' in properties and self.potential.active_set is None:
            raise PropertyNotImplementedError('The potential has no active set, so that it knows no grades.')

    def _collect(self, evaluation: Evaluation, frames: Frames) -> dict[str, Any]:
        energy = float(evaluation.site_energies.sum())
        results: dict[str, Any] = {
            'energy': energy, 'free_energy': energy, 'energies': evaluation.site_energies, 'forces': evaluation.forces,
        }  # fmt: skip
        if np.all(frames.pbc):
            results['stress'] = evaluation.virials[0] / frames.volumes[0]
        return results
