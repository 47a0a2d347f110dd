"""One interatomic potential as a node."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from aiida import orm
from aiida.common.exceptions import StoringNotAllowed
from ase.data import atomic_numbers
from ase.formula import Formula

from aiida_seimlip.science.analysis.calibration import Abscissa, Calibration, CalibrationError
from aiida_seimlip.science.analysis.composition_span import count_elements, find_basis
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp
from aiida_seimlip.science.formats.torch_files import is_torchscript
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

FAMILIES = ('mtp', 'mace')

MACE_FILENAME, PICKLE_FILENAME = 'model_{:02d}.pt', 'model_{:02d}.model'
"""Names of the files of a MACE potential: in TorchScript, and as MACE itself writes models."""

COMMITTEE = 'committee'
"""The selection mode of a potential of several members, whose disagreement is its grade."""


class PotentialData(orm.SinglefileData):
    """One potential file, the species it is for, and what is known about it.

    These attributes are set for queries; what does not apply to a family is ``None``:

    * ``family``: ``mtp`` (a moment tensor potential in MLIP-3's format) or ``mace``,
    * ``species``: chemical symbols in the order of the potential's type numbers,
    * ``cutoff``: in Å, ``min_distance``: shortest distance in Å for which the radial functions are meant,
    * ``level`` and ``n_parameters``,
    * ``is_trained``: whether the file holds all coefficients,
    * ``selection_mode``: ``nbh`` (neighbourhoods) or ``cfg`` (configurations) where the file holds an active set,
      ``committee`` where there are several members,
    * ``members``: names of the files of a MACE potential in TorchScript, one for each member of a committee,
    * ``deviation_scale``: what a standard deviation of a force over a committee's members, times this, is as an error;
      found on frames that no member learned from,
    * ``dtype``: precision in which a MACE potential was trained, and ``version`` of the program,
    * ``compositions``: independent ones that span those of the training set, each with its number of atoms of each
      species; of a potential that was not trained here, they are not known.
    * ``calibration``: how large errors of forces are at a grade (`Calibration`); only where it was calibrated.

    For moment tensor potentials all but the species are read from the file, which is refused where it is truncated.
    A MACE potential is best kept in TorchScript, which loads without running the code of others: see `from_mace`.
    """

    DEFAULT_FILENAME = 'potential.almtp'

    def __init__(
        self,
        file: str | Path | IO | None = None,
        filename: str | Path | None = None,
        *,
        family: str = 'mtp',
        species: Sequence[str] = (),
        cutoff: float | None = None,
        n_parameters: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Take over a potential file.

        :param file: absolute path, or a binary file object.
        :param filename: name of the file in the repository.
        :param family: one of `FAMILIES`.
        :param species: chemical symbols in type order.
        :param cutoff: in Å; read from the file for moment tensor potentials.
        :param n_parameters: number of parameters; read from the file for moment tensor potentials.
        :raises FormatError: if the file of a moment tensor potential is not complete.
        :raises ValueError: if the family is unknown, or the file is for another number of species.
        """
        super().__init__(file, filename, **kwargs)
        if family not in FAMILIES:
            raise ValueError(f'The family `{family}` is none of {", ".join(FAMILIES)}.')
        self.base.attributes.set_many({'family': family, 'species': list(species)})
        if family == 'mtp' and 'filename' in self.base.attributes:
            self.base.attributes.set_many(_describe(self.get_mtp()))
        else:
            self.base.attributes.set_many({
                'cutoff': cutoff, 'min_distance': None, 'level': None, 'n_parameters': n_parameters,
                'is_trained': family != 'mtp', 'selection_mode': None,
            })  # fmt: skip

    @classmethod
    def from_mtp(cls, potential: MomentTensorPotential, filename: str = DEFAULT_FILENAME) -> PotentialData:
        """Write a moment tensor potential to MLIP-3's format. The same potential always gives the same bytes.

        :param potential: trained or not, with or without an active set.
        :param filename: name of the file in the repository.
        """
        return cls(io.BytesIO(write_almtp(potential)), filename, family='mtp', species=potential.species)

    @classmethod
    def from_mace(
        cls,
        members: Sequence[bytes],
        *,
        species: Sequence[str],
        cutoff: float,
        n_parameters: int | None = None,
        pickles: Sequence[bytes] = (),
        dtype: str | None = None,
        version: str | None = None,
        deviation_scale: float | None = None,
    ) -> PotentialData:
        """Store models of MACE in TorchScript, one or a committee of them.

        :param members: content of the TorchScript file of each member.
        :param species: chemical symbols that all of them know, by increasing atomic number as MACE has them.
        :param cutoff: in Å.
        :param n_parameters: of one member.
        :param pickles: content of the file of each member that other tools of MACE read; kept beside, not loaded.
        :param dtype: ``float32`` or ``float64``.
        :param version: of mace-torch.
        :param deviation_scale: see the class.
        :raises ValueError: if there is no member, or a file is not in TorchScript.
        """
        if not members:
            raise ValueError('A MACE potential needs one member at least.')
        wrong = [i for i, content in enumerate(members) if not is_torchscript(content)]
        if wrong:
            raise ValueError(f'The file of member {wrong[0]} is not in TorchScript.')
        node = cls(
            io.BytesIO(members[0]), MACE_FILENAME.format(0), family='mace', species=species, cutoff=cutoff,
            n_parameters=n_parameters,
        )  # fmt: skip
        for i, content in enumerate(members[1:], start=1):
            node.base.repository.put_object_from_bytes(content, MACE_FILENAME.format(i))
        for i, content in enumerate(pickles):
            node.base.repository.put_object_from_bytes(content, PICKLE_FILENAME.format(i))
        node.base.attributes.set_many({
            'members': [MACE_FILENAME.format(i) for i in range(len(members))], 'dtype': dtype, 'version': version,
            'selection_mode': COMMITTEE if len(members) > 1 else None, 'deviation_scale': deviation_scale,
        })  # fmt: skip
        return node

    def get_members(self) -> list[bytes]:
        """Return the content of the file of each member; of a potential that is no committee, its only file."""
        return [self.base.repository.get_object_content(name, mode='rb') for name in self.members]

    @property
    def pickled_files(self) -> list[str]:
        """Names of the files of pickled models, of which loading one runs any code that it holds."""
        if self.family != 'mace':
            return []
        beside = [PICKLE_FILENAME.format(i) for i in range(len(self.members))]
        present = self.base.repository.list_object_names()
        return [name for name in beside if name in present] if self.is_torchscript else list(self.members)

    def get_pickles(self) -> list[bytes]:
        """Return the content of the pickled models of the members; empty if they are not kept."""
        return [self.base.repository.get_object_content(name, mode='rb') for name in self.pickled_files]

    def get_mtp(self) -> MomentTensorPotential:
        """Return the moment tensor potential.

        :raises ValueError: if the potential is of another family, or the file is for another number of species.
        :raises FormatError: if the file is not complete.
        """
        if self.family != 'mtp':
            raise ValueError(f'A potential of the family `{self.family}` cannot be read as a moment tensor potential.')
        return read_almtp(self.get_content(mode='rb'), self.species, name=self.filename)

    # -- attributes ---------------------------------------------------------------------------------------------------

    @property
    def family(self) -> str:
        """Family: ``mtp`` or ``mace``."""
        return str(self.base.attributes.get('family'))

    @property
    def species(self) -> tuple[str, ...]:
        """Chemical symbols in type order, the only source of type numbers."""
        return tuple(self.base.attributes.get('species'))

    @property
    def cutoff(self) -> float:
        """Cut-off radius in Å."""
        return float(self.base.attributes.get('cutoff'))

    @property
    def min_distance(self) -> float | None:
        """Shortest distance in Å for which the radial functions are meant, None if the family has no such thing."""
        return _optional(float, self.base.attributes.get('min_distance'))

    @property
    def level(self) -> int | None:
        """Level of a moment tensor potential, None for other families."""
        return _optional(int, self.base.attributes.get('level'))

    @property
    def n_parameters(self) -> int | None:
        """Number of parameters, None if not known."""
        return _optional(int, self.base.attributes.get('n_parameters'))

    @property
    def is_trained(self) -> bool:
        """Whether the file holds all coefficients."""
        return bool(self.base.attributes.get('is_trained'))

    @property
    def selection_mode(self) -> str | None:
        """What the potential's grades rest on; None if it knows none.

        An active set of neighbourhoods (``nbh``) or of configurations (``cfg``), or the members of a ``committee``.
        """
        return _optional(str, self.base.attributes.get('selection_mode'))

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the files of the members of a committee; of any other potential, of its only file."""
        return tuple(self.base.attributes.get('members', None) or [self.filename])

    @property
    def is_torchscript(self) -> bool:
        """Whether this is a MACE potential in TorchScript, which loads without running the code of others."""
        return self.family == 'mace' and all(is_torchscript(content) for content in self.get_members())

    @property
    def deviation_scale(self) -> float | None:
        """Ratio of the error of a force to its standard deviation over a committee; None if it is not known."""
        return _optional(float, self.base.attributes.get('deviation_scale', None))

    @property
    def dtype(self) -> str | None:
        """Precision that the potential was trained in, ``float32`` or ``float64``; None if not known."""
        return _optional(str, self.base.attributes.get('dtype', None))

    @property
    def version(self) -> str | None:
        """Version of the program that trained the potential, None if not known."""
        return _optional(str, self.base.attributes.get('version', None))

    @property
    def compositions(self) -> list[list[int]] | None:
        """Independent compositions that span those of the training set, None if they are not known.

        Each is its numbers of atoms in the order of the species; see `science.analysis.composition_span`.
        """
        found: list[list[int]] | None = self.base.attributes.get('compositions', None)
        return found

    @property
    def spanned_formulas(self) -> list[str]:
        """Chemical formulas of `compositions` in Hill order; empty if they are not known."""
        counts = [dict(zip(self.species, row, strict=True)) for row in self.compositions or ()]
        return [Formula.from_dict({symbol: n for symbol, n in row.items() if n}).format('hill') for row in counts]

    def set_compositions(self, training: Iterable[Frames]) -> None:
        """Keep which compositions the potential has learned from.

        :param training: its training set.
        :raises ModificationNotAllowed: if the node is stored.
        """
        counts = [count_elements(frames, self.species) for frames in training]
        self.base.attributes.set('compositions', find_basis(np.concatenate(counts)).tolist())

    @property
    def lacks_grades(self) -> bool:
        """Whether the potential knows no grades, so that it cannot be explored with before it is trained again."""
        return self.selection_mode is None

    @property
    def lacks_active_set(self) -> bool:
        """Whether the potential knows no extrapolation grades although others of its family do."""
        return self.family == 'mtp' and self.selection_mode is None

    @property
    def calibration(self) -> Calibration | None:
        """How large errors of forces are at a grade, None if the potential was not calibrated.

        :raises CalibrationError: if the attribute is no calibration.
        """
        return _optional(Calibration.from_dict, self.base.attributes.get('calibration', None))

    @property
    def graded_by(self) -> Abscissa | None:
        """Whose grade the potential knows, that of an atom or of a frame; None if it knows none."""
        modes: dict[str | None, Abscissa] = {'nbh': 'atom_grade', 'cfg': 'frame_grade', COMMITTEE: 'atom_grade'}
        return modes.get(self.selection_mode)

    def with_calibration(self, calibration: Calibration) -> PotentialData:
        """Return a new node, not stored, that holds the same file and a calibration.

        :param calibration: by the grades of this potential.
        """
        copy: PotentialData = self.clone()  # type: ignore[no-untyped-call]
        copy.base.attributes.set('calibration', calibration.to_dict())
        return copy

    # -- storage ------------------------------------------------------------------------------------------------------

    def _validate(self) -> bool:
        """Check that the species are elements, and that the file is complete and what the attributes say.

        :raises StoringNotAllowed: with the reason.
        """
        if not self.base.repository.list_object_names():
            raise StoringNotAllowed('The potential file is missing: give a file to PotentialData.')
        if self.family == 'mtp':
            super()._validate()  # type: ignore[no-untyped-call]
        else:  # several files, which `SinglefileData` would refuse
            orm.Data._validate(self)
        self._validate_species()
        if self.family == 'mtp':
            self._validate_mtp()
        elif not self.base.attributes.get('cutoff'):
            raise StoringNotAllowed(f'A potential of the family `{self.family}` needs its cut-off: give `cutoff` in Å.')
        else:
            self._validate_members()
        self._validate_calibration()
        return True

    def _validate_calibration(self) -> None:
        try:
            calibration = self.calibration
        except CalibrationError as exception:
            raise StoringNotAllowed(f'The attribute `calibration` is none: {exception}') from exception
        if calibration is not None and calibration.abscissa != self.graded_by:
            raise StoringNotAllowed(
                f'The calibration is by `{calibration.abscissa}`, but the potential knows `{self.graded_by}`.'
            )

    def _validate_species(self) -> None:
        unknown = [symbol for symbol in self.species if symbol not in atomic_numbers or symbol == 'X']
        if unknown:
            raise StoringNotAllowed(f'The species list holds {", ".join(map(repr, unknown))}, which is no element.')
        if not self.species or len(set(self.species)) != len(self.species):
            raise StoringNotAllowed(
                f'The species list {list(self.species)} must name each element once, and one at least.'
            )

    def _validate_members(self) -> None:
        lacking = sorted(set(self.members) - set(self.base.repository.list_object_names()))
        if lacking:
            raise StoringNotAllowed(f'The file `{lacking[0]}` of a member of the committee is missing.')
        if (len(self.members) > 1) != (self.selection_mode == COMMITTEE):
            raise StoringNotAllowed(
                f'The attribute `selection_mode` is {self.selection_mode!r}, but there are {len(self.members)} members.'
            )

    def _validate_mtp(self) -> None:
        try:
            found = _describe(self.get_mtp())
        except (FormatError, ValueError) as exception:
            raise StoringNotAllowed(f'The potential is no complete file of MLIP-3: {exception}') from exception
        for key, value in found.items():
            claimed = self.base.attributes.get(key, None)
            if not _agree(claimed, value):
                raise StoringNotAllowed(
                    f'The attribute `{key}` is {claimed!r}, but the potential file `{self.filename}` says {value!r}.'
                )


def _describe(potential: MomentTensorPotential) -> dict[str, Any]:
    """Return the attributes of a node that holds this potential."""
    return {
        'species': list(potential.species),
        'cutoff': float(potential.max_dist),
        'min_distance': float(potential.min_dist),
        'level': potential.level,
        'n_parameters': potential.n_parameters,
        'is_trained': potential.is_trained,
        'selection_mode': None if potential.active_set is None else potential.active_set.mode,
    }


def _agree(claimed: Any, found: Any) -> bool:
    """Compare an attribute with what the file says; AiiDA stores the first 14 digits of a number."""
    if isinstance(claimed, float) and isinstance(found, float):
        return math.isclose(claimed, found, rel_tol=1e-12)
    return bool(claimed == found)


def _optional(kind: Any, value: Any) -> Any:
    return None if value is None else kind(value)
