"""The pair styles with which builds of LAMMPS read a moment tensor potential: one entry in a table for each.

To teach the package another one, add an entry to `DIALECTS`. Nothing else asks which dialect it is dealing with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

GRADE_COMPUTE = 'grade'
"""Name of the compute that a dialect may define for the highest grade of the present step."""

GRADE_COLUMN = f'c_{GRADE_COMPUTE}[1]'
"""Its column in the thermodynamic output."""


@dataclass(frozen=True)
class Dialect:
    """How a pair style is called, and what it is capable of.

    The lines are templates, in which these fields are filled in: ``{potential}`` and ``{preselected}``, the names of
    the files; ``{save}`` and ``{stop}``, the thresholds of the grade; ``{types}``, the numbers of the types in the
    potential, ``0 1 2`` and so on.

    :param name: the name under which users choose it.
    :param pair_styles: styles that a build of LAMMPS must have.
    :param plain: lines of the input script without grades.
    :param graded: lines of the input script with grades at every step.
    :param prints_grade: whether `graded` defines the compute `GRADE_COMPUTE`.
    :param saves_fragments: whether several MPI ranks save each its own part of a frame in neighbourhood mode.
    """

    name: str
    pair_styles: tuple[str, ...]
    plain: tuple[str, ...]
    graded: tuple[str, ...]
    prints_grade: bool
    saves_fragments: bool

    def pair_lines(
        self, species: Sequence[str], *, potential: str, preselected: str, thresholds: tuple[float, float] | None
    ) -> list[str]:
        """Return the lines of an input script that choose the potential.

        :param species: chemical symbols in type order.
        :param potential: name of the file with the potential.
        :param preselected: name of the file for frames above the first threshold.
        :param thresholds: grade above which frames are saved, and grade that ends the run; None for no grades.
        """
        save, stop = thresholds or (0.0, 0.0)
        fields = {
            'potential': potential, 'preselected': preselected, 'save': f'{save:.10g}', 'stop': f'{stop:.10g}',
            'types': ' '.join(str(index) for index in range(len(species))),
        }  # fmt: skip
        return [line.format_map(fields) for line in (self.plain if thresholds is None else self.graded)]


_CONTROL = 'extrapolation_control'

DIALECTS: Mapping[str, Dialect] = MappingProxyType({
    dialect.name: dialect
    for dialect in (
        Dialect(
            name='mlip',
            pair_styles=('mlip',),
            plain=('pair_style mlip load_from={potential}', 'pair_coeff * *'),
            graded=(
                f'pair_style mlip load_from={{potential}} {_CONTROL}=true {_CONTROL}:threshold_save={{save}} '
                f'{_CONTROL}:threshold_break={{stop}} {_CONTROL}:save_extrapolative_to={{preselected}}',
                'pair_coeff * *',
            ),
            prints_grade=False,
            saves_fragments=True,
        ),
        Dialect(
            name='mtp',
            pair_styles=('mtp', 'mtp/extrapolation'),
            plain=('pair_style mtp {potential}', 'pair_coeff * *'),
            graded=(
                'pair_style mtp/extrapolation {potential} {preselected} {save} {stop}',
                'pair_coeff * *',
                f'compute {GRADE_COMPUTE} all pair mtp/extrapolation',
            ),
            prints_grade=True,
            saves_fragments=False,
        ),
    )
})  # fmt: skip
"""The dialects that are known, by name: ``mlip`` is MLIP-3's own pair style, ``mtp`` that of lammps-mtp."""


def find_dialects(pair_styles: Sequence[str]) -> list[str]:
    """Return the names of the dialects that a build of LAMMPS speaks.

    :param pair_styles: the styles that it has, as ``lmp -h`` lists them.
    """
    return [name for name, dialect in DIALECTS.items() if set(dialect.pair_styles) <= set(pair_styles)]
