"""Options of the reference engine ``vasp``: how VASP labels frames, and what is done about jobs that fail."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from aiida_seimlip.options.ase import MdOptions
from aiida_seimlip.options.job_labels import JobLabelOptions, RecoveryOptions, explain_repeated
from aiida_seimlip.science.formats.vasp.method import method_label
from aiida_seimlip.science.seeds import derive_seed

FUNCTIONALS = {'PBE': 'PE', 'PBEsol': 'PS', 'revPBE': 'RE', 'RPBE': 'RP'}
"""The tag GGA for each functional."""

DISPERSION = {'d3': 11, 'd3bj': 12}
"""The tag IVDW for each correction: D3 with zero damping, and with the damping of Becke and Johnson."""

RECOMMENDED_POTENTIALS = {
    **{symbol: f'{symbol}_sv' for symbol in (
        'Li', 'K', 'Ca', 'Sc', 'Ti', 'V', 'Rb', 'Sr', 'Y', 'Zr', 'Nb', 'Mo', 'Cs', 'Ba', 'W',
    )},
    **{symbol: f'{symbol}_pv' for symbol in ('Na', 'Cr', 'Mn', 'Tc', 'Ru', 'Rh', 'Hf', 'Ta')},
    **{symbol: f'{symbol}_d' for symbol in ('Ga', 'Ge', 'In', 'Sn', 'Tl', 'Pb', 'Bi', 'Po')},
}  # fmt: skip
"""The potential that VASP's manual recommends for each element, where it is not the plain one (potpaw_PBE.54)."""

RESERVED = {
    **dict.fromkeys(
        ('nsw', 'ibrion', 'isif', 'potim', 'tebeg', 'teend', 'mdalgo', 'smass', 'andersen_prob', 'langevin_gamma',
         'langevin_gamma_l', 'random_seed', 'nblock', 'kblock', 'ml_lmlff'),
        'whether and how atoms move is decided by the process',
    ),
    **dict.fromkeys(
        ('kspacing', 'kgamma'), 'it has no effect beside the KPOINTS that is written; there is an option `kspacing`'
    ),
    **dict.fromkeys(('lwave', 'lcharg', 'istart', 'icharg'), 'folders are cleaned, so that nothing can be read later'),
    **dict.fromkeys(('system',), 'the process names its jobs'),
    'gga': 'use the option `functional`',
    'ivdw': 'use the option `dispersion`',
    **{tag: f'use the option `{tag}`' for tag in ('encut', 'prec', 'ediff', 'nelm', 'ismear', 'sigma', 'lreal')},
}  # fmt: skip
"""INCAR tags that `incar` may not hold, and why."""

TECHNICAL = frozenset({
    'kpar', 'ncore', 'npar', 'nsim', 'lplane', 'lscalu', 'lscalapack', 'lscaaware', 'nwrite', 'ncore_in_image1',
    'algo', 'ialgo', 'nelm', 'nelmin', 'nelmdl', 'amix', 'bmix', 'amin', 'amix_mag', 'bmix_mag', 'maxmix', 'imix',
    'inimix', 'mixpre', 'time', 'lorbit', 'nedos', 'emin', 'emax', 'lvtot', 'lvhar', 'laechg', 'lelf',
})  # fmt: skip
"""INCAR tags that say how the answer is found, not what it is: labels that differ in them are the same labels."""


class VaspRecoveryOptions(RecoveryOptions):
    """What is done about a VASP job that failed, before its frame counts as failed."""

    scf: list[Literal['algorithm', 'mixing', 'smearing']] = Field(
        default=['algorithm', 'mixing', 'smearing'],
        description='What is changed, one after the other, if the self-consistency cycle does not converge: ALGO = All;'
        ' cautious mixing; a detour over a larger SIGMA, from whose wave functions the label is calculated as asked.',
    )
    nelm_factor: float = Field(
        default=2.0, ge=1, description='NELM is multiplied by this where the cycle did not converge.'
    )
    smearing_factor: float = Field(default=4.0, gt=1, description='SIGMA is multiplied by this for the detour.')

    _is_unique = field_validator('scf')(explain_repeated)


class VaspLabelOptions(JobLabelOptions):
    """How VASP labels frames: the settings of the INCAR, the k-points and the potentials."""

    potential_family: str = Field(
        min_length=1, description='Name of the family of POTCARs, as `aiida-vasp potcar listfamilies` shows it.'
    )
    potential_mapping: dict[str, str] = Field(
        default_factory=dict,
        description='The potential for an element, such as `{"Li": "Li"}`; for others the one that VASP recommends, '
        'such as `Li_sv`.',
    )  # fmt: skip
    functional: Literal['PBE', 'PBEsol', 'revPBE', 'RPBE'] = Field(
        default='PBE', description='The exchange-correlation functional (GGA).'
    )
    dispersion: Literal['d3', 'd3bj'] | None = Field(
        default=None, description='Correction for dispersion: D3 with zero damping (IVDW = 11), with the damping of '
        'Becke and Johnson (IVDW = 12), or none.',
    )  # fmt: skip
    encut: float = Field(default=520.0, gt=0, description='Cutoff of the plane waves in eV.')
    kspacing: float = Field(
        default=0.35, gt=0, description='Largest distance of k-points in 1/Å, the factor 2π included, as KSPACING.'
    )
    prec: Literal['Normal', 'Single', 'SingleN', 'Accurate'] = Field(default='Accurate', description='PREC.')
    ediff: float = Field(default=1e-6, gt=0, description='Change of the energy at convergence, in eV.')
    nelm: int = Field(
        default=100, ge=2, description='Most electronic steps; a frame that needs them all has not converged.'
    )
    ismear: int = Field(default=0, ge=-5, le=10, description='Kind of smearing: 0 Gaussian, 1 Methfessel and Paxton.')
    sigma: float = Field(default=0.05, gt=0, description='Width of the smearing in eV.')
    lreal: bool | Literal['Auto'] = Field(default=False, description='Project in real space.')
    incar: dict[str, JsonValue] = Field(
        default_factory=dict, description='Further tags of the INCAR by name, such as `{"ncore": 4, "lasph": true}`.'
    )
    unlisted_tags: list[str] = Field(
        default_factory=list, description='Tags in `incar` that aiida-vasp does not know, but your VASP does.'
    )
    thermostat: Literal['langevin', 'nose'] = Field(
        default='langevin', description='Of dynamics at constant temperature: that of Langevin with the friction of '
        'the dynamics (MDALGO = 3), or that of Nosé (SMASS = 0).',
    )  # fmt: skip
    recovery: VaspRecoveryOptions = Field(
        default_factory=VaspRecoveryOptions, description='What is done about jobs that fail.'
    )

    @field_validator('incar', mode='before')
    @classmethod
    def _lower_case(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        lowered = {str(tag).lower(): content for tag, content in value.items()}
        if len(lowered) < len(value):
            raise ValueError('a tag is given twice, in upper and lower case')
        return lowered

    @model_validator(mode='after')
    def _tags_are_known(self) -> Self:
        faults = find_wrong_tags(self.incar, known_tags() | {tag.lower() for tag in self.unlisted_tags})
        faults += find_smuggled_tags(self.incar)
        if faults:
            raise ValueError('; '.join(faults))
        return self

    def potential_of(self, element: str) -> str:
        """Return the name of the potential of an element."""
        return self.potential_mapping.get(element, RECOMMENDED_POTENTIALS.get(element, element))

    def to_incar(self) -> dict[str, Any]:
        """Return all tags of a single point."""
        tags = {
            'gga': FUNCTIONALS[self.functional], 'encut': self.encut, 'prec': self.prec, 'ediff': self.ediff,
            'nelm': self.nelm, 'ismear': self.ismear, 'sigma': self.sigma, 'lreal': self.lreal, 'lwave': False,
            'lcharg': False, 'isif': 2, 'nsw': 0, 'ibrion': -1,
        }  # fmt: skip
        if self.dispersion is not None:
            tags['ivdw'] = DISPERSION[self.dispersion]
        return {**tags, **self.incar}

    def to_dynamics_incar(self, dynamics: MdOptions, index: int, n_frames: int, n_species: int) -> dict[str, Any]:
        """Return all tags of molecular dynamics from one frame.

        VASP counts its configurations, of which the start is the first: one more than there are steps.

        :param dynamics: for all frames.
        :param index: of the frame; its random numbers depend on it.
        :param n_frames: number of all frames.
        :param n_species: number of elements of the frame.
        :raises ValueError: if there is a temperature for each frame, but not for as many frames.
        """
        given = dynamics.temperature
        if isinstance(given, list) and len(given) != n_frames:
            raise ValueError(f'`temperature` lists {len(given)} temperatures, but there are {n_frames} frames.')
        temperature = given[index] if isinstance(given, list) else given
        if dynamics.ensemble == 'nve':
            ensemble: dict[str, Any] = {'mdalgo': 0, 'smass': -3}
        elif self.thermostat == 'nose':
            ensemble = {'mdalgo': 0, 'smass': 0}
        else:
            ensemble = {'mdalgo': 3, 'langevin_gamma': [dynamics.friction] * n_species}
        return {
            **self.to_incar(), **ensemble, 'ibrion': 0, 'nsw': dynamics.n_steps + 1, 'potim': dynamics.timestep,
            'tebeg': temperature, 'teend': temperature, 'isym': 0,
            'random_seed': [derive_seed(dynamics.seed, index), 0, 0],
        }  # fmt: skip

    @property
    def method_name(self) -> str:
        """Short name of the level of theory, such as ``PBE+D3(BJ)``: that which files of VASP are imported with."""
        words = {True: 'T', False: 'F'}
        return method_label({tag.upper(): words.get(value, str(value)) for tag, value in self.to_incar().items()}, ())

    def method(self, elements: Iterable[str] = ()) -> dict[str, Any]:
        """Return what the labels depend on, and nothing else: two equal methods give the same labels.

        :param elements: whose potentials matter.
        """
        tags = {tag: value for tag, value in self.to_incar().items() if tag not in TECHNICAL}
        potentials = {element: self.potential_of(element) for element in sorted(elements)}
        return {'incar': tags, 'kspacing': self.kspacing, 'family': self.potential_family, 'potentials': potentials}


def find_wrong_tags(tags: Iterable[str], known: Collection[str]) -> list[str]:
    """Return a sentence for each tag that the INCAR may not hold.

    :param tags: in lower case.
    :param known: all tags that there are; if empty, it is not known what there is.
    """
    faults = []
    for tag in tags:
        if tag in RESERVED:
            faults.append(f'`incar.{tag}` is not for you to set: {RESERVED[tag]}')
        elif known and tag not in known:
            close = get_close_matches(tag, sorted(known), n=1)
            guess = f'; did you mean `{close[0]}`?' if close else '; name it in `unlisted_tags` if your VASP knows it'
            faults.append(f'`incar.{tag}` is no tag of the INCAR{guess}')
    return faults


def find_smuggled_tags(tags: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each name or value in which VASP would read further tags, or the rest as a comment.

    :param tags: values by tag.
    """
    faults = [f'`{tag}` is no name of a tag' for tag in tags if not re.fullmatch(r'\w+', tag, re.ASCII)]
    for tag, value in tags.items():
        texts = [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, str)]
        if any(re.search(r'[\n\r;#!=\\]', text) for text in texts):
            faults.append(f'`incar.{tag}` is {value!r}, but a value holds no line feed and none of ; # ! = \\')
    return faults


@lru_cache(maxsize=1)
def known_tags() -> frozenset[str]:
    """Return the INCAR tags that aiida-vasp accepts, in lower case; none where it is not installed."""
    import yaml

    try:
        text = resources.files('aiida_vasp').joinpath('assistant', 'parameters.yml').read_text(encoding='utf-8')
        checked = resources.files('parsevasp').joinpath('incar.yml').read_text(encoding='utf-8')
    except ModuleNotFoundError:
        return frozenset()
    loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    return frozenset(yaml.load(text, loader)) & _lower(yaml.load(checked, loader))


def _lower(tags: Iterable[str]) -> frozenset[str]:
    return frozenset(tag.lower() for tag in tags)
