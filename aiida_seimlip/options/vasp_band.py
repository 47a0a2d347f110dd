"""Options of the path engine ``vasp``: how VASP with VTST relaxes a band of images, and how it labels them."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from aiida_seimlip.options.vasp import VaspLabelOptions

OPTIMIZERS = {'lbfgs': 1, 'cg': 2, 'quickmin': 3, 'sd': 4, 'fire': 7}
"""The tag IOPT of VTST for each optimiser."""

BAND_TAGS = frozenset({'images', 'spring', 'ichain', 'iopt', 'lclimb', 'ediffg', 'ltangentold', 'ldneb', 'lnebcell'})
"""Tags that make the band what the options say; `incar` may not hold them."""

VTST_TAGS = frozenset({
    'maxmove', 'ilbfgsmem', 'lglobal', 'lautoscale', 'invcurv', 'llineopt', 'fdstep', 'timestep', 'sdalpha', 'ftimemax',
    'ftimedec', 'ftimeinc', 'falpha', 'fnmin',
})  # fmt: skip
"""Further tags of VTST's optimisers, which `optimizer_tags` may hold: they do not change what is found."""


class VaspBandOptions(VaspLabelOptions):
    """How VASP with VTST relaxes a band, on top of the settings of its single points."""

    fmax: float = Field(
        default=0.05, gt=0, description='Largest force on an atom of the band at convergence in eV/Å: EDIFFG with the '
        'other sign. That of the springs counts, too.',
    )  # fmt: skip
    climb: bool = Field(default=True, description='LCLIMB: let the highest image climb to the saddle point.')
    spring_constant: float = Field(default=5.0, gt=0, description='SPRING with the other sign, in eV/Å².')
    optimizer: Literal['lbfgs', 'cg', 'quickmin', 'sd', 'fire'] = Field(
        default='fire', description='IOPT: 1 (lbfgs), 2 (cg), 3 (quickmin), 4 (sd), 7 (fire).'
    )
    optimizer_tags: dict[str, int | float | bool] = Field(
        default_factory=dict, description='Further tags of this optimiser by name, such as `{"maxmove": 0.1}`.'
    )
    max_steps: int = Field(default=200, ge=2, description='NSW: largest number of steps of a job.')

    @model_validator(mode='after')
    def _band_is_ours(self) -> Self:
        taken = sorted(BAND_TAGS & set(self.incar))
        if taken:
            raise ValueError(f'`incar.{taken[0]}` is not for you to set: the band has options of its own')
        unknown = sorted(set(self.optimizer_tags) - VTST_TAGS)
        if unknown:
            raise ValueError(f'`optimizer_tags.{unknown[0]}` is no tag of the optimisers of VTST')
        return self

    def to_label_options(self) -> VaspLabelOptions:
        """Return the settings of the single points."""
        return VaspLabelOptions.model_validate(self.model_dump(include=set(VaspLabelOptions.model_fields)))

    def to_band_incar(self, n_images: int) -> dict[str, Any]:
        """Return all tags of a band.

        POTIM = 0 leaves the atoms to VTST's optimiser. Symmetry is off: that of an image is not that of the path.

        :param n_images: number of images between the ends.
        """
        return {
            **self.to_incar(), 'isym': 0, 'ibrion': 3, 'potim': 0.0, 'nsw': self.max_steps, 'ediffg': -self.fmax,
            'images': n_images, 'ichain': 0, 'iopt': OPTIMIZERS[self.optimizer], 'lclimb': self.climb,
            'spring': -self.spring_constant, **self.optimizer_tags,
        }  # fmt: skip
