"""Options of the reference engine ``quantumespresso``: how pw.x labels frames, and what is done about failed jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, Self
from xml.etree import ElementTree

from pydantic import Field, JsonValue, field_validator, model_validator

from aiida_seimlip.options.job_labels import JobLabelOptions, RecoveryOptions, explain_repeated
from aiida_seimlip.science.formats.espresso.schema import HARTREE

RYDBERG = HARTREE / 2
"""In eV."""

SAFE_CUTOFF = 80.0
"""Below so many Ry, stresses of norm-conserving pseudopotentials with oxygen or fluorine are off by GPa."""

DISPERSION = {'d3': (3, 'D3(0)'), 'd3bj': (4, 'D3(BJ)')}
"""The keyword `dftd3_version` for each correction, and its name in a method."""

SMEARINGS = {'gaussian': 'gaussian', 'cold': 'mv', 'methfessel-paxton': 'mp', 'fermi-dirac': 'fd'}
"""The keyword `smearing` for each kind."""

NAMELISTS = ('CONTROL', 'SYSTEM', 'ELECTRONS')

RESERVED = {
    **dict.fromkeys(
        ('calculation', 'nstep', 'dt', 'tstress', 'tprnfor', 'max_seconds', 'restart_mode', 'outdir', 'prefix',
         'pseudo_dir', 'wfcdir', 'disk_io', 'startingpot', 'startingwfc'),
        'the process decides it',
    ),
    **dict.fromkeys(
        ('ibrav', 'celldm', 'a', 'b', 'c', 'cosab', 'cosac', 'cosbc', 'nat', 'ntyp', 'nbnd_cond'),
        'the frame decides it',
    ),
    'scf_must_converge': 'a label that has not converged is none',
    **dict.fromkeys(('vdw_corr', 'dftd3_version', 'dftd3_threebody', 'london'), 'use the option `dispersion`'),
    **dict.fromkeys(('smearing', 'occupations'), 'use the option `smearing`'),
    'degauss': 'use the option `sigma` (eV)',
    'input_dft': 'the pseudopotentials decide it; there is an option `functional` that they are checked against',
    **{
        name: f'use the option `{name}`'
        for name in ('ecutwfc', 'ecutrho', 'conv_thr', 'electron_maxstep', 'mixing_beta')
    },
}  # fmt: skip
"""Keywords that `namelists` may not hold, and why."""

TECHNICAL = frozenset({
    'diagonalization', 'mixing_mode', 'mixing_ndim', 'diago_david_ndim', 'diago_cg_maxiter', 'diago_thr_init',
    'diago_full_acc', 'diago_ppcg_maxiter', 'diago_rmm_ndim', 'adaptive_thr', 'verbosity', 'title', 'iprint',
    'wf_collect', 'lorbm', 'electron_maxstep', 'mixing_beta',
})  # fmt: skip
"""Keywords that say how the answer is found, not what it is: labels that differ in them are the same labels."""


class PwRecoveryOptions(RecoveryOptions):
    """What is done about a job of pw.x that failed, before its frame counts as failed."""

    scf: list[Literal['mixing', 'screening', 'smearing']] = Field(
        default=['mixing', 'screening', 'smearing'],
        description='What is changed, one after the other, if the self-consistency cycle does not converge: less of the'
        ' new density is mixed in; it is screened locally (`mixing_mode = local-TF`); a detour over a wider smearing, '
        'from whose density the label is calculated as asked.',
    )
    maxstep_factor: float = Field(
        default=2.0, ge=1, description='`electron_maxstep` is multiplied by this where the cycle did not converge.'
    )
    mixing_factor: float = Field(
        default=0.4, gt=0, lt=1, description='`mixing_beta` is multiplied by this, once for each of the first two.'
    )
    smearing_factor: float = Field(default=4.0, gt=1, description='`sigma` is multiplied by this for the detour.')

    _is_unique = field_validator('scf')(explain_repeated)


class PwLabelOptions(JobLabelOptions):
    """How pw.x labels frames: cut-offs, k-points, smearing and pseudopotentials."""

    potential_family: str = Field(
        min_length=1, description='Name of the family of pseudopotentials, as `aiida-pseudo list` shows it.'
    )
    functional: Literal['PBE', 'PBEsol'] = Field(
        default='PBE', description='The functional for which the pseudopotentials were made: they are checked.'
    )
    dispersion: Literal['d3', 'd3bj'] | None = Field(
        default=None, description='Correction for dispersion: D3 with zero damping, with the damping of Becke and '
        'Johnson, or none; without the term of three bodies, as in VASP.',
    )  # fmt: skip
    ecutwfc: float = Field(
        default=90.0, gt=0, description='Cutoff of the plane waves in Ry. Norm-conserving pseudopotentials with O or F '
        'need 90 Ry for stresses; at 60 Ry they are off by GPa.',
    )  # fmt: skip
    ecutrho: float | None = Field(
        default=None, gt=0, description='Cutoff of the density in Ry; by default four times `ecutwfc`, which is right '
        'for norm-conserving pseudopotentials only: others are refused without it.',
    )  # fmt: skip
    trust_cutoff: bool = Field(
        default=False, description='Take an `ecutwfc` below 80 Ry: for soft pseudopotentials, or to try things.'
    )
    kspacing: float = Field(
        default=0.35, gt=0, description='Largest distance of k-points in 1/Å, the factor 2π included, as VASP counts '
        'it. The mesh is centred at Γ; where it is Γ alone, pw.x makes use of that.',
    )  # fmt: skip
    smearing: Literal['gaussian', 'cold', 'methfessel-paxton', 'fermi-dirac'] | None = Field(
        default='gaussian', description='Kind of smearing; none for fixed occupations, which are for insulators only.'
    )
    sigma: float = Field(default=0.05, gt=0, description='Width of the smearing in eV.')
    conv_thr: float = Field(default=1e-9, gt=0, description='Estimated error of the energy at convergence, in Ry.')
    electron_maxstep: int = Field(default=80, ge=1, description='Most electronic steps.')
    mixing_beta: float = Field(default=0.7, gt=0, le=1, description='Part of the new density that is mixed in.')
    namelists: dict[str, dict[str, JsonValue]] = Field(
        default_factory=dict,
        description='Further keywords by namelist, such as `{"SYSTEM": {"nspin": 2, "starting_magnetization": '
        '{"Fe": 0.5}}}`.',
    )  # fmt: skip
    unlisted_keywords: list[str] = Field(
        default_factory=list,
        description='Keywords in `namelists` that aiida-quantumespresso does not list, but your pw.x knows.',
    )
    parallelization: dict[Literal['npool', 'nband', 'ntg', 'ndiag'], int] = Field(
        default_factory=dict, description='Into how many groups the processes are divided, such as `{"npool": 4}`.'
    )
    recovery: PwRecoveryOptions = Field(
        default_factory=PwRecoveryOptions, description='What is done about jobs that fail.'
    )

    @field_validator('namelists', mode='before')
    @classmethod
    def _upper_case(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not all(isinstance(content, dict) for content in value.values()):
            return value
        return {
            str(name).upper(): {str(key).lower(): entry for key, entry in content.items()}
            for name, content in value.items()
        }

    @model_validator(mode='after')
    def _keywords_are_known(self) -> Self:
        faults = find_wrong_keywords(self.namelists, self.unlisted_keywords)
        if faults:
            raise ValueError('; '.join(faults))
        return self

    @model_validator(mode='after')
    def _cutoff_is_safe(self) -> Self:
        if self.ecutwfc < SAFE_CUTOFF and not self.trust_cutoff:
            raise ValueError(
                f'`ecutwfc` is {self.ecutwfc:g} Ry, but below {SAFE_CUTOFF:g} Ry stresses of norm-conserving '
                'pseudopotentials are off by GPa; set `trust_cutoff` if yours are softer, or you know better'
            )
        return self

    def to_namelists(self) -> dict[str, dict[str, Any]]:
        """Return all namelists of a single point, as `quantumespresso.pw` takes them."""
        system: dict[str, Any] = {'ecutwfc': self.ecutwfc, 'ecutrho': self.ecutrho or 4 * self.ecutwfc}
        if self.smearing is None:
            system['occupations'] = 'fixed'
        else:
            system |= {'occupations': 'smearing', 'smearing': SMEARINGS[self.smearing]}
            system['degauss'] = self.sigma / RYDBERG
        if self.dispersion is not None:
            version = DISPERSION[self.dispersion][0]
            system |= {'vdw_corr': 'dft-d3', 'dftd3_version': version, 'dftd3_threebody': False}
        own = {
            'CONTROL': {'calculation': 'scf', 'tstress': True, 'tprnfor': True},
            'SYSTEM': system,
            'ELECTRONS': {
                'conv_thr': self.conv_thr, 'electron_maxstep': self.electron_maxstep, 'mixing_beta': self.mixing_beta,
            },
        }  # fmt: skip
        return {name: {**own[name], **self.namelists.get(name, {})} for name in NAMELISTS}

    @property
    def functional_name(self) -> str:
        """The functional with its correction, such as ``PBE+D3(BJ)``."""
        added = '' if self.dispersion is None else f'+{DISPERSION[self.dispersion][1]}'
        return f'{self.functional}{added}'

    @property
    def method_name(self) -> str:
        """The functional and the pseudopotentials, whose zeros of the energy differ: ``PBE/<family>``."""
        return f'{self.functional_name}/{self.potential_family}'

    def method(self, elements: Iterable[str] = ()) -> dict[str, Any]:
        """Return what the labels depend on, and nothing else: two equal methods give the same labels.

        :param elements: whose pseudopotentials matter.
        """
        keywords = {
            f'{name}.{key}': value
            for name, content in self.to_namelists().items() for key, value in content.items() if key not in TECHNICAL
        }  # fmt: skip
        return {'keywords': keywords, 'kspacing': self.kspacing, 'family': self.potential_family}


def find_wrong_keywords(namelists: Mapping[str, Mapping[str, Any]], unlisted: Iterable[str]) -> list[str]:
    """Return a sentence for each keyword that the input of pw.x may not hold.

    :param namelists: values by keyword, by namelist.
    :param unlisted: keywords that are taken although they are not known.
    """
    faults, unlisted = [], {name.lower() for name in unlisted}
    for namelist, content in namelists.items():
        if namelist not in NAMELISTS:
            faults.append(f'`namelists.{namelist}` is no namelist of a single point; there are {", ".join(NAMELISTS)}')
            continue
        known = known_keywords().get(namelist, frozenset())
        for key, value in content.items():
            place = f'`namelists.{namelist}.{key}`'
            if key in RESERVED:
                faults.append(f'{place} is not for you to set: {RESERVED[key]}')
            elif not key.isidentifier() or _holds_syntax(value):
                faults.append(f'{place} is {value!r}, but names are words and values hold no quote, line feed or !')
            elif known and key not in known and key not in unlisted:
                close = get_close_matches(key, sorted(known), n=1)
                guess = f'did you mean `{close[0]}`?' if close else 'name it in `unlisted_keywords` if your pw.x has it'
                faults.append(f'{place} is no keyword that is known; {guess}')
    return faults


def _holds_syntax(value: Any) -> bool:
    """Return whether pw.x would read some text as more than a value."""
    if isinstance(value, Mapping):
        return any(_holds_syntax(str(key)) or _holds_syntax(entry) for key, entry in value.items())
    if isinstance(value, list):
        return any(_holds_syntax(entry) for entry in value)
    return isinstance(value, str) and any(character in value for character in '\'"\n\r!&/')


@lru_cache(maxsize=1)
def known_keywords() -> dict[str, frozenset[str]]:
    """Return the keywords that aiida-quantumespresso lists, by namelist; none where it is not installed."""
    try:
        folder = resources.files('aiida_quantumespresso').joinpath('calculations', 'helpers')
        root = ElementTree.fromstring(folder.joinpath('INPUT_PW-6.4.xml').read_bytes())
    except (ModuleNotFoundError, FileNotFoundError):
        return {}
    return {
        namelist.get('name', ''): frozenset(
            element.get('name', '').lower()
            for kind in ('var', 'dimension', 'multidimension') for element in namelist.iter(kind)
        )
        for namelist in root.iter('namelist')
    }  # fmt: skip
