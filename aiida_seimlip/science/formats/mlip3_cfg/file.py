"""What a ``.cfg`` file holds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True, eq=False)
class CfgFile:
    """What a ``.cfg`` file holds.

    :param frames: the configurations; `grades` come from the feature ``MV_grade``. The stress of a configuration that
        is not periodic in all directions is unknown, whatever its ``PlusStress`` says, because it has no volume.
    :param features: key and value of all features of each configuration.
    :param nbh_grades: extrapolation grades of the atoms, NaN where unknown; shape (n_atoms,), or None.
    :param site_energies: in eV, NaN where unknown; shape (n_atoms,), or None.
    :param charges: in e, NaN where unknown; shape (n_atoms,), or None.
    :param is_ghost: whether an atom is an image from a neighbouring MPI domain; shape (n_atoms,), or None.
    :param fragments: whether a configuration is only the part that one MPI rank saw of a larger one: it holds ghost
        atoms, or names them and has no cell. Fragments are no periodic configurations; shape (n_frames,).
    :param left_out_columns: names of columns of atoms that were left out, because they are not known here.
    :param is_truncated: whether the file ends inside a configuration, which is left out.
    """

    frames: Frames
    features: list[dict[str, str]]
    fragments: np.ndarray
    nbh_grades: np.ndarray | None = None
    site_energies: np.ndarray | None = None
    charges: np.ndarray | None = None
    is_ghost: np.ndarray | None = None
    left_out_columns: tuple[str, ...] = ()
    is_truncated: bool = False

    def take(self, indices: np.ndarray) -> CfgFile:
        """Return some of the configurations, with all that belongs to them.

        :param indices: numbers of the configurations from 0; shape (n_selected,).
        """
        chosen = np.asarray(indices, dtype=int)
        ptr = self.frames.ptr
        atoms = np.concatenate([np.arange(0), *(np.arange(ptr[index], ptr[index + 1]) for index in chosen)])

        def of_chosen(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[atoms]

        return dataclasses.replace(
            self,
            frames=self.frames[chosen],
            features=[self.features[index] for index in chosen],
            fragments=self.fragments[chosen],
            nbh_grades=of_chosen(self.nbh_grades),
            site_energies=of_chosen(self.site_energies),
            charges=of_chosen(self.charges),
            is_ghost=of_chosen(self.is_ghost),
        )
