"""Options of `ComparisonWorkChain`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.transport.structure import RdfOptions


class ShortDynamicsOptions(Options):
    """The same short run of molecular dynamics with each model, for its speed and its structure."""

    temperature: float = Field(gt=0, description='In K.')
    n_steps: int = Field(ge=1, description='Steps of each run.')
    equilibration_steps: int = Field(
        default=0, ge=0, description='Steps at the begin whose frames are left out of the radial distributions.'
    )
    dump_every: int = Field(default=50, ge=1, description='Steps between two frames.')
    repeats: int = Field(
        default=3, ge=1, description='Runs of each model, with other velocities: speeds have no error without two.'
    )
    ensemble: Literal['nve', 'nvt', 'npt_iso', 'npt_tri'] = Field(
        default='nvt', description='Constant volume (nve, nvt), isotropic (npt_iso) or free (npt_tri) cell.'
    )
    pressure: float = Field(default=1.0, description='In bar; without effect at constant volume.')
    timestep: float = Field(default=1.0, gt=0, description='In fs.')
    thermostat_damping: float = Field(default=100.0, gt=0, description='Of the thermostat in fs.')
    barostat_damping: float = Field(default=500.0, gt=0, description='Of the barostat in fs.')

    def run(self, seed: int) -> dict[str, Any]:
        """Return the parameters of a run, as `DynamicsOptions`.

        :param seed: of the velocities.
        """
        names = (
            'ensemble', 'temperature', 'pressure', 'timestep', 'n_steps', 'thermostat_damping', 'barostat_damping',
            'dump_every',
        )  # fmt: skip
        return {
            **{name: getattr(self, name) for name in names}, 'seed': seed, 'velocities': 'create', 'mobile': [],
            'thermo_every': self.dump_every,
        }  # fmt: skip


class CompareOptions(Options):
    """What the models are compared by besides errors and crystals, and how sure the differences are."""

    reference: str | None = Field(
        default=None,
        description='Name of the model that barriers and structure are compared with; `labels`: of barriers, the '
        'labels that the images carry. None: nothing is better or worse.',
    )
    seed: int = Field(ge=0, description='All random numbers are derived from it: velocities and resamples.')
    n_resamples: int = Field(default=1000, ge=100, description='Resamples of each bootstrap interval.')
    confidence: float = Field(
        default=0.95, gt=0, lt=1,
        description='Probability that intervals aim at; who differs by less than the interval is not called better.',
    )  # fmt: skip
    dynamics: ShortDynamicsOptions | None = Field(
        default=None, description='Molecular dynamics of the input `start` with each model; none: neither speeds nor '
        'structure are compared.'
    )  # fmt: skip
    rdf: RdfOptions | None = Field(
        default=RdfOptions(kinds='element', cutoff=6.0, bin_width=0.05),
        description='Radial distributions of these runs; none: speeds alone.',
    )
