"""A band of images in VASP with VTST: one job of `vasp.neb` after the other, until it has converged.

The WorkChain of aiida-vasp for bands is not used: it refuses VTST's own tags, needs k-points in another form than its
single points, and acts twice on the same failure, so that a restart begins from the old images again.
"""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import CalcJob, ProcessHandlerReport, process_handler
from aiida_vasp.calcs.neb import VaspNEBCalculation
from aiida_vasp.data.potcar import PotcarData

from aiida_seimlip.engines.path.contract import PathWorkChain
from aiida_seimlip.engines.reference.job_pool import RESOURCES
from aiida_seimlip.engines.restart import RestartMixin
from aiida_seimlip.functions.vasp_band import (
    collect_vasp_band,
    has_converged,
    has_vtst,
    prepare_vasp_band,
)
from aiida_seimlip.options.vasp_band import VaspBandOptions

EXIT_CODES = VaspNEBCalculation.exit_codes
NO_VTST = 'it does not name VTST in its output, without which it knows no IOPT and no climbing image.'


class VaspBandMixin(PathWorkChain, RestartMixin):
    """Run jobs of `vasp.neb`, each from the last band of the one before.

    The context holds ``band``, the last band; ``label``, the settings of the single points; ``names`` of the images
    between the ends; and ``is_given_up``, whether the last job has not converged and there will be no other.
    """

    failure = 'ERROR_PROGRAM_FAILED'

    @property
    def process_class(self) -> type[CalcJob]:
        """The job."""
        return VaspNEBCalculation

    def setup(self) -> None:
        """Make the inputs of the first job."""
        super().setup()
        options = VaspBandOptions.from_node(self.inputs.parameters)
        made: dict[str, Any] = prepare_vasp_band(self.inputs.images, self.inputs.parameters)
        structures = made['structures']
        first, *self.ctx.names, last = sorted(structures)
        mapping = {element: options.potential_of(element) for element in self.inputs.images.elements}
        self.ctx.band, self.ctx.label, self.ctx.is_given_up = self.inputs.images, made['label'], False
        self.ctx.inputs = AttributeDict({
            'code': self.inputs.code, 'parameters': made['incar'], 'kpoints': made['kpoints'],
            'settings': made['settings'], 'initial_structure': structures[first], 'final_structure': structures[last],
            'neb_images': {name: structures[name] for name in self.ctx.names},
            'potential': PotcarData.get_potcars_from_structure(structures[first], options.potential_family, mapping),
            'metadata': {'options': self._scheduler_options()},
        })  # fmt: skip

    # -- what VASP says -----------------------------------------------------------------------------------------------

    @process_handler(priority=800)
    def handle_no_vtst(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Give up where VASP was built without VTST: it would pass over the tags and move no atom."""
        if 'misc' not in calculation.outputs or has_vtst(calculation.outputs.misc.get_dict()):
            return None
        if calculation.exit_status not in (0, EXIT_CODES.ERROR_IONIC_NOT_CONVERGED.status):
            return None
        code = self.exit_codes.ERROR_PROGRAM_FAILED
        return ProcessHandlerReport(
            True, code.format(pk=calculation.pk, status=calculation.exit_status, reason=NO_VTST)
        )  # fmt: skip

    @process_handler(priority=700)
    def handle_converged(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Take the band if VTST says that it has converged, even where aiida-vasp counts steps and says otherwise."""
        ended = (0, EXIT_CODES.ERROR_IONIC_NOT_CONVERGED.status)
        if calculation.exit_status not in ended or not has_converged(calculation.outputs.misc.get_dict()):
            return None
        self._take_band(calculation)
        self.ctx.is_finished = True
        return ProcessHandlerReport(True)

    @process_handler(priority=600)
    def handle_not_converged(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go on from the last band, also of a job that was cut off; keep that band if it was the last job."""
        cut_off = calculation.exit_status == EXIT_CODES.ERROR_DID_NOT_FINISH.status
        ended = (0, EXIT_CODES.ERROR_IONIC_NOT_CONVERGED.status)
        if not cut_off and calculation.exit_status not in ended:
            return None
        if not self._take_band(calculation):
            return None
        if self._is_last_job():
            self.ctx.is_finished = self.ctx.is_given_up = True
            self.report(f'{calculation.process_label}<{calculation.pk}> has not converged, and was the last job.')
            return ProcessHandlerReport(True)
        return self.run_next_job(calculation, 'The next job goes on from its last band.')

    # -- details ------------------------------------------------------------------------------------------------------

    def _take_band(self, calculation: orm.CalcJobNode) -> bool:
        """Take the last band of a job, if it left all images."""
        structures = dict(calculation.outputs.structure) if 'structure' in calculation.outputs else {}
        if set(structures) != set(self.ctx.names):
            return False
        self.ctx.band = collect_vasp_band(self.inputs.images, **structures)
        self.ctx.inputs.neb_images = structures
        return True

    def _scheduler_options(self) -> dict[str, Any]:
        options = {'resources': RESOURCES, **self.scheduler_options}
        if self.inputs.code.with_mpi is not None:
            options.setdefault('withmpi', self.inputs.code.with_mpi)
        return options
