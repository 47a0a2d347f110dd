"""A MACE potential in TorchScript, or a committee of them; torch is imported when one is loaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.embedded.models import Answer
from aiida_seimlip.embedded.verlet import Edges, VerletList
from aiida_seimlip.science.analysis.committee_scale import force_deviations

PRECISIONS = ('float32', 'float64')


class MaceModel:
    """Evaluates models of MACE as they are, through torch alone.

    Several models are a committee: the answer is their mean, and an atom's grade is the expected error of its force.
    Energies of atoms are summed in double precision, whatever the precision of the models.

    :param paths: a file in TorchScript for each member, as ``mace_run_train`` writes (``NAME_compiled.model``) or as
        ``mace_create_lammps_model`` does (``NAME.model-lammps.pt``).
    :param species: chemical symbol of each type.
    :param precision: ``float32`` or ``float64``; None for that of the files.
    :param scale: expected error of a force per standard deviation over the committee; None for no grades.
    :raises ModuleNotFoundError: if there is no torch.
    :raises ValueError: if a file is no model of MACE in TorchScript, the members do not belong together, or an element
        is not known to them.
    """

    name = 'MACE potential'

    def __init__(
        self, paths: Sequence[Path], species: Sequence[str], *, precision: str | None = None, scale: float | None = None
    ):
        self.species = tuple(species)
        self._scale = scale
        self._torch = import_torch()
        self.device = 'cuda' if self._torch.cuda.is_available() else 'cpu'
        self._members = [self._load(path, precision) for path in paths]
        first = self._members[0]
        self.precision = str(next(first.parameters()).dtype).removeprefix('torch.')
        self._dtype = getattr(self._torch, self.precision)
        cutoffs = {float(member.r_max) for member in self._members}
        elements = {tuple(member.atomic_numbers.tolist()) for member in self._members}
        if len(cutoffs) > 1 or len(elements) > 1:
            raise ValueError('the members of the committee differ in their cut-off or their elements')
        self.cutoff = cutoffs.pop()
        self._columns = _columns(self.species, elements.pop())
        self._head = self._find_head(first)
        self._verlet = VerletList(self.cutoff)

    def _load(self, path: Path, precision: str | None) -> Any:
        try:
            loaded = self._torch.jit.load(str(path), map_location=self.device)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f'{path} is no model in TorchScript ({reason})') from error
        model = getattr(loaded, 'model', loaded)  # what is made for LAMMPS holds the model
        if not hasattr(model, 'r_max') or not hasattr(model, 'atomic_numbers'):
            raise ValueError(f'{path} is no model of MACE')
        for parameter in model.parameters():
            parameter.requires_grad = False
        return model if precision is None else model.to(getattr(self._torch, precision))

    def _find_head(self, model: Any) -> int:
        """Return the number of the head that MACE's own calculator takes."""
        heads = list(getattr(model, 'heads', None) or ['Default'])
        found = [index for index, head in enumerate(heads) if str(head).lower() == 'default']
        if len(heads) > 1 and not found:
            raise ValueError(f'the model has the heads {", ".join(map(str, heads))}, of which none is `Default`')
        return found[0] if len(heads) > 1 else 0

    def compute(self, types: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Answer:
        """Evaluate a configuration; see `Model`."""
        edges = self._verlet.edges(positions, cell, pbc)
        results = [self._evaluate(member, types, positions, cell, edges) for member in self._members]
        energies, forces, virials = (np.array(values) for values in zip(*results, strict=True))
        virial = virials.mean(axis=0)
        grade, atoms = None, None
        if self._scale is not None:
            atoms = self._scale * force_deviations(forces)
            grade = float(atoms.max())
        voigt = np.array([virial[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))])
        return Answer(np.ascontiguousarray(energies.mean(axis=0)), forces.mean(axis=0), voigt, grade, atoms)

    def _evaluate(
        self, model: Any, types: np.ndarray, positions: np.ndarray, cell: np.ndarray, edges: Edges
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return energies of atoms (eV), forces (eV/Å) and the derivative of the energy by the strain (eV)."""
        graph = self._graph(types, positions, cell, edges)
        out = model(graph, training=False, compute_force=True, compute_virials=True)
        energies, forces, virials = (
            out[name].detach().to('cpu', self._torch.float64).numpy() for name in ('node_energy', 'forces', 'virials')
        )
        return energies, forces, -virials[0]

    def _graph(self, types: np.ndarray, positions: np.ndarray, cell: np.ndarray, edges: Edges) -> dict[str, Any]:
        torch, n_atoms = self._torch, len(types)

        def real(values: np.ndarray) -> Any:
            return torch.tensor(values, dtype=self._dtype, device=self.device)

        def whole(values: Any) -> Any:
            return torch.tensor(values, dtype=torch.int64, device=self.device)

        attributes = np.zeros((n_atoms, int(self._members[0].atomic_numbers.numel())))
        attributes[np.arange(n_atoms), self._columns[types]] = 1.0
        return {
            'positions': real(positions), 'node_attrs': real(attributes), 'cell': real(cell),
            'edge_index': whole(np.stack([edges.centres, edges.neighbours])),
            'shifts': real(edges.shifts @ cell), 'unit_shifts': real(edges.shifts),
            'batch': torch.zeros(n_atoms, dtype=torch.int64, device=self.device),
            'ptr': whole([0, n_atoms]), 'head': whole([self._head]),
        }  # fmt: skip

    def forget(self) -> None:
        """Make a new list of neighbours at the next call."""
        self._verlet.forget()


def import_torch() -> Any:
    """Return torch, with as many threads as ``OMP_NUM_THREADS`` says.

    :raises ModuleNotFoundError: if it is not installed.
    """
    import torch

    threads = os.environ.get('OMP_NUM_THREADS', '')
    if threads.isdigit() and int(threads):
        torch.set_num_threads(int(threads))
    return torch


def _columns(species: Sequence[str], elements: Sequence[int]) -> np.ndarray:
    """Return for each type the place of its element in the model."""
    lacking = [symbol for symbol in species if atomic_numbers.get(symbol) not in elements]
    if lacking:
        raise ValueError(f'the model does not know {", ".join(lacking)}')
    return np.array([elements.index(atomic_numbers[symbol]) for symbol in species])
