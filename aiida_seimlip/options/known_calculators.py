"""The ASE calculators that can be named: where they come from, and what is known about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from pydantic import JsonValue

from aiida_seimlip.options.pretrained import CHGNET, SEVENNET, PretrainedModels

ANY_PERIODICITY = (0, 1, 2, 3)
CRYSTALS = (3,)
MOLECULES_AND_CRYSTALS = (0, 3)


@dataclass(frozen=True)
class PotentialFile:
    """How a calculator is given the file of a `PotentialData`.

    :param argument: keyword argument of the calculator that takes the name of the file.
    :param families: families of potentials that it understands.
    :param species_argument: keyword argument that takes the chemical symbols in type order, None if it needs none.
    :param is_required: whether the calculator is of no use without a `PotentialData`.
    :param takes_committee: whether the argument takes a list of the files of a committee's members.
    """

    argument: str
    families: tuple[str, ...]
    species_argument: str | None = None
    is_required: bool = True
    takes_committee: bool = False


@dataclass(frozen=True)
class Precision:
    """How far differences of the energy may be from forces and stress, where energies are rounded to single precision.

    :param force: in eV/Å, for a step of `step`.
    :param stress: in GPa, for a strain of `strain`.
    :param step: that atoms are displaced by, in Å.
    :param strain: that the cell is strained by.
    """

    force: float
    stress: float
    step: float = 0.005
    strain: float = 0.005

    def limits(self, step: float, strain: float) -> tuple[float, float]:
        """Return the tolerances in eV/Å and in GPa for other steps: what is rounded counts more if they are smaller.

        :param step: in Å.
        :param strain: of the cell.
        """
        return self.force * max(1.0, self.step / step), self.stress * max(1.0, self.strain / strain)


@dataclass(frozen=True)
class KnownCalculator:
    """A calculator that can be named in the options.

    :param target: where to import it from on the remote computer, as ``module:attribute``; the module
        ``make_calculator`` is uploaded with the job.
    :param package: name of the package (distribution) whose version is recorded; empty: the one of its module.
    :param defaults: keyword arguments that are set unless the options say otherwise.
    :param reusable: whether one instance may calculate one frame after the other; false where it would start the next
        frame from the electronic state of the last one.
    :param runs_model: whether it loads a model file, which can hold any code unless it is in TorchScript.
    :param potential: how it is given a `PotentialData`, None if it takes none.
    :param method: label of the method by which it labels frames, with keyword arguments in braces, such as ``{xc}``;
        empty: its name.
    :param variant: keyword argument that is part of the method where it is given, such as the functional of a model
        that learned several.
    :param implied: keyword arguments that `method` names, as the calculator itself sets them where they are not given.
    :param periodic_axes: numbers of periodic directions of a frame that it can take; a frame with another number
        would be calculated as another system, and is refused.
    :param pretrained: the models that it knows by name, None if it knows none.
    :param precision: by how much its forces and stresses may differ from differences of its energies; None: by no more
        than those of a program in double precision.
    :param install: what makes it available to the Python interpreter of the job.
    :param licence: of the package, and of the program where that has another one.
    :param was_run: what was run with it, with the largest deviations of forces and stresses from finite differences in
        a triclinic cell; empty: nothing was.
    :param caveat: what to know before its labels are used.
    """

    target: str
    package: str = ''
    defaults: dict[str, JsonValue] = field(default_factory=dict)
    reusable: bool = False
    runs_model: bool = False
    potential: PotentialFile | None = None
    method: str = ''
    variant: str = ''
    implied: dict[str, str] = field(default_factory=dict)
    periodic_axes: tuple[int, ...] = ANY_PERIODICITY
    pretrained: PretrainedModels | None = None
    precision: Precision | None = None
    install: str = ''
    licence: str = ''
    was_run: str = ''
    caveat: str = ''

    @property
    def partial_periodicity(self) -> bool:
        """Whether it can take frames that are periodic in one or two directions."""
        return {1, 2} <= set(self.periodic_axes)

    def label(self, kwargs: Mapping[str, Any]) -> str | None:
        """Return the label of the method, None if the keyword arguments do not tell it.

        A name in small letters is written in capitals (``pbe``), a path is cut down to the name of the file.

        :param kwargs: of the calculator, its defaults included.
        """
        given = {**self.implied, **kwargs}
        words = {key: _word(value) for key, value in given.items() if isinstance(value, str) and value}
        variant = f'-{words[self.variant]}' if self.variant in words else ''
        try:
            label = self.method.format_map(words)
        except KeyError:
            return None
        return f'{label}{variant}' if label else None


def _word(value: str) -> str:
    return value.upper() if value.isalpha() and value.islower() else PurePath(value).name


CALCULATORS: dict[str, KnownCalculator] = {
    'abinit': KnownCalculator(
        'make_calculator:make_abinit',
        'ase',
        method='{xc}',
        implied={'xc': 'LDA'},
        periodic_axes=CRYSTALS,
        install='ABINIT (Debian: `apt install abinit`) and its pseudopotentials',
        licence='LGPL-2.1+ (ASE), GPL-2+ (ABINIT)',
        was_run='ABINIT 9.6.2, LiF 2 atoms, 40 Ha, 3×3×3 k-points, psp8: 0.0002 eV/Å, 0.03 GPa',
        caveat='Pseudopotentials are found in `pp_paths` by their names: `pps: psp8` takes `Li.psp8`. ASE writes '
        '`chkprim` itself. Without `xc` it is LDA.',
    ),
    'chgnet': KnownCalculator(
        'make_calculator:make_chgnet',
        'chgnet',
        {'model_name': '0.3.0', 'device': 'cpu'},
        reusable=True,
        method='CHGNet-{model_name}',
        periodic_axes=CRYSTALS,
        pretrained=CHGNET,
        precision=Precision(5e-2, 0.2),
        install='`pip install torch==2.13.0`, then `pip install chgnet`',
        licence='BSD-3-Clause',
        was_run='0.4.2, LiF 8 atoms: 0.002 eV/Å, 0.05 GPa',
        caveat='Single precision. `0.3.0`, `0.2.0` and `r2scan` are in the package. Everything counts as periodic. '
        'Energies of `0.3.0` hold corrections of the Materials Project (-0.46 eV for each F of a fluoride): do not mix '
        'them with plain PBE.',
    ),
    'dftb+': KnownCalculator(
        'ase.calculators.dftb:Dftb',
        'ase',
        periodic_axes=MOLECULES_AND_CRYSTALS,
        install='DFTB+ and its Slater-Koster files',
        licence='LGPL-2.1+ (ASE), LGPL-3+ (DFTB+)',
        caveat='Nothing was run: no Slater-Koster files were at hand.',
    ),
    'emt': KnownCalculator(
        'ase.calculators.emt:EMT',
        'ase',
        reusable=True,
        method='EMT',
        licence='LGPL-2.1+',
        was_run='ASE 3.29, Cu 4 atoms: 0.00002 eV/Å, 0.001 GPa',
        caveat='A toy: Al, Cu, Ag, Au, Ni, Pd, Pt, and H, C, N, O in them.',
    ),
    'espresso': KnownCalculator(
        'make_calculator:make_espresso',
        'ase',
        {'input_data': {'control': {'tprnfor': True, 'tstress': True}}},
        periodic_axes=CRYSTALS,
        install='Quantum ESPRESSO (Debian: `apt install quantum-espresso`) and its pseudopotentials',
        licence='LGPL-2.1+ (ASE), GPL-2+ (Quantum ESPRESSO)',
        was_run='Quantum ESPRESSO 6.7, LiF 2 atoms, 90 Ry, 3×3×3 k-points, UPF: 0.0001 eV/Å, 0.02 GPa',
        caveat='Stresses need a high cut-off (80 Ry at least for fluorine). The functional is that of the '
        'pseudopotentials: say it in `method_label`.',
    ),
    'gpaw': KnownCalculator(
        'gpaw:GPAW',
        'gpaw',
        {'txt': None},
        method='{xc}',
        implied={'xc': 'LDA'},
        periodic_axes=CRYSTALS,
        install='`pip install gpaw`, after libxc and BLAS',
        licence='GPL-3+',
        was_run='26.7.0, plane waves of 1200 eV, LiF 2 atoms, 3×3×3 k-points: 0.0001 eV/Å, 0.4 GPa',
        caveat='Stresses of plane waves need a high cut-off: 2.3 GPa off at 800 eV. They take everything as '
        'periodic; other modes do not (`periodic_axes`). Without `xc` it is LDA.',
    ),
    'lj': KnownCalculator(
        'ase.calculators.lj:LennardJones',
        'ase',
        reusable=True,
        licence='LGPL-2.1+',
        was_run='ASE 3.29, LiF 8 atoms: 0.003 of 10 eV/Å, 0.03 GPa',
        caveat='A toy: one pair of parameters for all elements.',
    ),
    'mace': KnownCalculator(
        'make_calculator:make_mace',
        'mace-torch',
        {'device': 'cpu', 'default_dtype': 'float64'},
        reusable=True,
        runs_model=True,
        potential=PotentialFile('model_paths', ('mace',), is_required=False, takes_committee=True),
        method='MACE {model_paths}',
        install='`pip install mace-torch`',
        licence='MIT',
        was_run='0.3.16 with random weights, LiF 8 atoms: 0.0000003 eV/Å, 0.000004 GPa',
        caveat='The package holds no model: train one, or bring one; a file that is not in TorchScript is loaded only '
        'with trust. It cannot share an environment with SevenNet (e3nn).',
    ),
    'morse': KnownCalculator(
        'ase.calculators.morse:MorsePotential',
        'ase',
        reusable=True,
        licence='LGPL-2.1+',
        was_run='ASE 3.29, LiF 8 atoms: 0.0002 eV/Å, 0.003 GPa',
        caveat='A toy: one pair of parameters for all elements.',
    ),
    'motep': KnownCalculator(
        'make_calculator:make_motep',
        'motep',
        reusable=True,
        potential=PotentialFile('potential', ('mtp',), 'species'),
        install='`pip install motep`',
        licence='MIT',
        was_run='0.2.0, as `mlp calculate_efs` to all printed digits',
        caveat='Reads potentials of MLIP-3 without their active sets.',
    ),
    'mtp': KnownCalculator(
        'aiida_seimlip.science.mtp.calculator:MtpCalculator',
        'aiida-seimlip',
        reusable=True,
        potential=PotentialFile('potential', ('mtp',), 'species'),
        install='`pip install aiida-seimlip`',
        licence='MIT',
        was_run='as `mlp calculate_efs` to all printed digits',
        caveat='This package itself must be installed there.',
    ),
    'sevennet': KnownCalculator(
        'sevenn.calculator:SevenNetCalculator',
        'sevenn',
        {'model': '7net-0', 'device': 'cpu'},
        reusable=True,
        method='{model}',
        variant='modal',
        pretrained=SEVENNET,
        precision=Precision(5e-3, 0.2),
        install='`pip install torch==2.13.0`, then `pip install sevenn`',
        licence='MIT',
        was_run='0.13.0 with `7net-0`, LiF 8 atoms: 0.001 eV/Å, 0.02 GPa',
        caveat='Single precision. `7net-0`, `7net-0_22May2024`, `7net-l3i5` and `7net-mf-0` (with `modal: PBE` or '
        '`R2SCAN`) are in the package; the others (`7net-omni`, `7net-omat`, ...) are downloaded.',
    ),
    'tblite': KnownCalculator(
        'tblite.ase:TBLite',
        'tblite',
        {'method': 'GFN1-xTB', 'verbosity': 0},
        method='{method}',
        periodic_axes=MOLECULES_AND_CRYSTALS,
        install='`pip install tblite`',
        licence='LGPL-3.0-or-later',
        was_run='0.8.0, GFN1-xTB, LiF 8 atoms: 0.0002 eV/Å, 0.008 GPa',
        caveat='Samples the Brillouin zone at Γ only, so that energies depend on the size of the cell; wrong for '
        'ionic crystals such as LiF and for metals.',
    ),
    'vasp': KnownCalculator(
        'ase.calculators.vasp:Vasp',
        'ase',
        method='{xc}',
        periodic_axes=CRYSTALS,
        install='VASP, with the environment variables that ASE asks for',
        licence='LGPL-2.1+ (ASE), proprietary (VASP)',
        caveat='Not run through ASE: the engine `vasp` is the tested way to label with it.',
    ),
}
"""The calculators by name."""


def precision_of(settings: Mapping[str, Any]) -> Precision | None:
    """Return how far energies are rounded by the calculator that the settings of an engine name.

    :param settings: with the section ``calculator``, where the engine has calculators.
    :return: None if nothing is known of it.
    """
    calculator = settings.get('calculator')
    name = calculator.get('name') if isinstance(calculator, Mapping) else None
    return next((known.precision for key, known in CALCULATORS.items() if name in (key, known.target)), None)
