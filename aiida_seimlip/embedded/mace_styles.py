"""The pair styles ``mace`` and ``mace/committee``: their arguments, and what is printed when they start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiida_seimlip.embedded.external_pair import ExternalPair
from aiida_seimlip.embedded.extrapolation import Thresholds
from aiida_seimlip.embedded.lammps_library import say
from aiida_seimlip.embedded.mace_model import PRECISIONS, MaceModel
from aiida_seimlip.embedded.pair_styles import PairStyleError

MACE_STYLES = ('mace', 'mace/committee')
WHOLE_GRAPH = 'no_domain_decomposition'


@dataclass(frozen=True)
class MaceStyle:
    """What ``pair_style`` says; the files come with ``pair_coeff``.

    :param style: one of `MACE_STYLES`.
    :param precision: ``float32`` or ``float64``; None for that of the files.
    :param scale: expected error of a force per standard deviation over the committee; None for no grades.
    :param thresholds: of extrapolation control, None to run without.
    """

    style: str
    precision: str | None = None
    scale: float | None = None
    thresholds: Thresholds | None = None

    @classmethod
    def parse(cls, style: str, words: Sequence[str]) -> MaceStyle:
        """Read the arguments of ``pair_style``.

        :param style: one of `MACE_STYLES`.
        :param words: that follow it.
        :raises PairStyleError: if one is not known.
        """
        rest = [word for word in words if word not in (*PRECISIONS, WHOLE_GRAPH)]
        precisions = [word for word in words if word in PRECISIONS]
        if len(precisions) > 1:
            raise PairStyleError(f'pair_style {style} takes one precision, not {" and ".join(precisions)}')
        precision = precisions[0] if precisions else None
        if not rest:
            return cls(style, precision)
        if style == 'mace':
            raise PairStyleError(f'pair_style mace: unknown argument {rest[0]}')
        if len(rest) != 4:
            raise PairStyleError(
                'pair_style mace/committee takes no thresholds, or the name of a file, two thresholds and a scale'
            )
        save, stop, scale = (_positive(word) for word in rest[1:])
        return cls(style, precision, scale, Thresholds(save=save, stop=stop, path=Path(rest[0])))

    def make_pair(self, words: Sequence[str], n_types: int) -> ExternalPair:
        """Load the models, and say what they are.

        :param words: of ``pair_coeff``, behind ``* *``: files, and an element for each type.
        :param n_types: number of atom types.
        :raises PairStyleError: if arguments are wrong or a model cannot be used.
        """
        n_files = len(words) - n_types
        wrong = n_files < 2 if self.style == 'mace/committee' else n_files != 1
        if wrong:
            files = 'two files or more' if self.style == 'mace/committee' else 'one file'
            raise PairStyleError(f'pair_coeff of pair_style {self.style} takes {files}, and {n_types} element(s)')
        paths, species = [Path(word) for word in words[:n_files]], words[n_files:]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise PairStyleError(f'Cannot open the MACE file {missing[0]}')
        try:
            model = MaceModel(paths, species, precision=self.precision, scale=self.scale)
            pair = ExternalPair(model, self.thresholds, dialect='mace')
        except ModuleNotFoundError as error:
            raise PairStyleError(
                f'pair_style {self.style} needs torch in the environment of seimlip-lmp: {error}'
            ) from error
        except ValueError as error:
            raise PairStyleError(f'Cannot use the MACE potential: {error}') from error
        say(
            f'MACE: {n_files} model(s), cut-off {model.cutoff:g} A, {model.precision} on {model.device}, '
            f'elements {" ".join(species)}'
        )
        return pair


def _positive(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not number >= 0:
        raise PairStyleError(f'pair_style mace/committee: {word} is no number that is not negative')
    return number
