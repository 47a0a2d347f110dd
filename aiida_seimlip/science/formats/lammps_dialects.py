"""The pair styles with which builds of LAMMPS read a potential: one entry in a table for each.

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
    potential, ``0 1 2`` and so on; ``{elements}``, their symbols; ``{scale}``, the expected error of a force per
    standard deviation over a committee; ``{precision}``, a word for it with a blank before it, or nothing.

    :param name: the name under which users choose it.
    :param pair_styles: styles that a build of LAMMPS must have.
    :param plain: lines of the input script without grades.
    :param graded: lines of the input script with grades at every step; empty if there are none.
    :param prints_grade: whether `graded` defines the compute `GRADE_COMPUTE`.
    :param saves_fragments: whether several MPI ranks save each its own part of a frame in neighbourhood mode.
    :param family: of the potentials that it reads.
    :param reads_committees: whether it reads several members, and nothing but several.
    :param header: lines of the input script before the box is made.
    :param file: what must be made of the potential beforehand, on the computer where it runs; None if nothing must.
    :param runs_code: whether that file can run any code when it is loaded.
    """

    name: str
    pair_styles: tuple[str, ...]
    plain: tuple[str, ...]
    graded: tuple[str, ...]
    prints_grade: bool
    saves_fragments: bool
    family: str = 'mtp'
    reads_committees: bool = False
    header: tuple[str, ...] = ()
    file: str | None = None
    runs_code: bool = False

    def pair_lines(
        self, species: Sequence[str], *, potential: str, preselected: str, thresholds: tuple[float, float] | None,
        scale: float = 1.0, precision: str | None = None,
    ) -> list[str]:  # fmt: skip
        """Return the lines of an input script that choose the potential.

        :param species: chemical symbols in type order.
        :param potential: name of the file with the potential, of several with blanks between them.
        :param preselected: name of the file for frames above the first threshold.
        :param thresholds: grade above which frames are saved, and grade that ends the run; None for no grades.
        :param scale: of the grade of a committee.
        :param precision: of MACE, ``float32`` or ``float64``; None for that of the file.
        """
        save, stop = thresholds or (0.0, 0.0)
        fields = {
            'potential': potential, 'preselected': preselected, 'save': f'{save:.10g}', 'stop': f'{stop:.10g}',
            'types': ' '.join(str(index) for index in range(len(species))), 'elements': ' '.join(species),
            'scale': f'{scale:.10g}', 'precision': f' {precision}' if precision else '',
        }  # fmt: skip
        return [line.format_map(fields) for line in (self.plain if thresholds is None else self.graded)]


_CONTROL = 'extrapolation_control'
_WHOLE_GRAPH = ('atom_modify map yes', 'newton on')

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
        Dialect(
            name='mace',
            pair_styles=('mace',),
            plain=(
                'pair_style mace no_domain_decomposition{precision}',
                'pair_coeff * * {potential} {elements}',
            ),
            graded=(),
            prints_grade=False,
            saves_fragments=False,
            family='mace',
            header=_WHOLE_GRAPH,
        ),
        Dialect(
            name='mace/committee',
            pair_styles=('mace/committee',),
            plain=('pair_style mace/committee{precision}', 'pair_coeff * * {potential} {elements}'),
            graded=(
                'pair_style mace/committee{precision} {preselected} {save} {stop} {scale}',
                'pair_coeff * * {potential} {elements}',
                f'compute {GRADE_COMPUTE} all pair mace/committee',
            ),
            prints_grade=True,
            saves_fragments=False,
            family='mace',
            reads_committees=True,
            header=_WHOLE_GRAPH,
        ),
        Dialect(
            name='mliap',
            pair_styles=('mliap', 'mliap/kk'),
            plain=('pair_style mliap unified {potential} 0', 'pair_coeff * * {elements}'),
            graded=(),
            prints_grade=False,
            saves_fragments=False,
            family='mace',
            header=_WHOLE_GRAPH,
            file='`NAME.model-mliap_lammps.pt`, which `mace_create_lammps_model --format=mliap` makes on a GPU',
            runs_code=True,
        ),
        Dialect(
            name='symmetrix',
            pair_styles=('symmetrix/mace',),
            plain=('pair_style symmetrix/mace', 'pair_coeff * * {potential} {elements}'),
            graded=(),
            prints_grade=False,
            saves_fragments=False,
            family='mace',
            header=_WHOLE_GRAPH,
            file='`NAME.json`, into which Symmetrix turns the model for the elements in it',
        ),
    )
})  # fmt: skip
"""The dialects that are known, by name.

``mlip`` is MLIP-3's own pair style, ``mtp`` that of lammps-mtp. ``mace`` is the pair style of the package ML-MACE, and
of ``seimlip-lmp``, which alone knows ``mace/committee``. ``mliap`` is the unified interface of the package ML-IAP, with
KOKKOS and Python, and ``symmetrix`` the pair style of Symmetrix; they stand here as their documentation has them, and
were never run by this package.
"""

KINDS: Mapping[str, str] = MappingProxyType({'mtp': 'moment tensor potentials', 'mace': 'MACE potentials'})
"""What the potentials of each family are called in messages."""


def fits(dialect: Dialect, family: str, n_members: int = 1) -> bool:
    """Tell whether a dialect reads a potential.

    :param family: of the potential.
    :param n_members: of the committee; 1 if it is none.
    """
    return dialect.family == family and dialect.reads_committees == (n_members > 1)


def find_dialects(pair_styles: Sequence[str]) -> list[str]:
    """Return the names of the dialects that a build of LAMMPS speaks.

    :param pair_styles: the styles that it has, as ``lmp -h`` lists them.
    """
    return [name for name, dialect in DIALECTS.items() if set(dialect.pair_styles) <= set(pair_styles)]
