"""Paths from VASP with the tools of VTST: a band of images, then a single point of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, while_

from aiida_seimlip.calculations.validation import explain_scheduler_options
from aiida_seimlip.functions.vasp_band import describe_vasp_band
from aiida_seimlip.options.vasp_band import VaspBandOptions

try:
    from aiida_seimlip.engines.path.vasp_band import VaspBandMixin
    from aiida_seimlip.engines.reference.vasp import VaspReferenceWorkChain
    from aiida_seimlip.engines.reference.vasp_known import explain_potentials
except ModuleNotFoundError as exception:
    raise ImportError(
        f"The engine `vasp` needs aiida-vasp: `pip install 'aiida-seimlip[vasp]'` ({exception})."
    ) from exception


class VaspPathWorkChain(VaspBandMixin):
    """Relax a band with VASP and VTST, and label its images, the ends among them, by single points.

    A band tells no energies of its ends, and what its files call forces depends on the version of VTST.
    """

    plugin_prefix = 'vasp.vasp'
    supports_relaxation: ClassVar[bool] = False
    supports_fixed_atoms: ClassVar[bool] = False

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **VaspBandOptions.port('How VASP relaxes the band and labels its images.'))
        spec.input(
            'label_options', valid_type=orm.Dict, serializer=orm.to_aiida_type, required=False,
            validator=explain_scheduler_options,
            help='Settings of the scheduler for each single point; by default `options`, which are those of the band.',
        )  # fmt: skip
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.should_run_process)(
                cls.run_process,
                cls.inspect_process,
            ),
            cls.run_single_points,
            cls.results,
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Look for the potentials, and for what VASP would stop at."""
        given, images = inputs.get('parameters'), inputs.get('images')
        if given is None or images is None or VaspBandOptions.explain(given, 'parameters'):
            return None  # the ports themselves say so
        if 'relax' in inputs:
            return 'Input `relax` is given, but the engine `vasp` relaxes no single images.'
        if 'fixed' in inputs:
            return 'Input `fixed` is given, but the engine `vasp` keeps no atoms in place.'
        if images.n_frames < 3 or not images.get_array('pbc').all():
            return 'Input `images` is no band of three or more images that are periodic in all directions.'
        options = inputs['options'].get_dict() if 'options' in inputs else {}
        resources, between = options.get('resources', {}), images.n_frames - 2
        n_processes = resources.get('num_machines', 1) * resources.get('num_mpiprocs_per_machine', between)
        if options.get('withmpi', True) and resources and n_processes % between:
            return f'Input `options` asks for {n_processes} processes, which {between} images cannot share evenly.'
        return explain_potentials(VaspBandOptions.from_node(given), images.elements, 'parameters')

    def run_single_points(self) -> None:
        """Label all images of the last band."""
        options = self.inputs.get('label_options', self.inputs.get('options'))
        self.to_context(
            labels=self.submit(
                VaspReferenceWorkChain, code=self.inputs.code, frames=self.ctx.band, parameters=self.ctx.label,
                metadata={'call_link_label': 'single_points'}, **({} if options is None else {'options': options}),
            )
        )  # fmt: skip

    def results(self) -> ExitCode | None:
        """Attach the labelled band, and what is known of it."""
        labels, job = self.ctx.labels, self.ctx.children[-1]
        failures = labels.outputs.failures.get_dict() if 'failures' in labels.outputs else {}
        if not labels.is_finished_ok or failures or 'frames' not in labels.outputs:
            reason = '; '.join(f'image {index}: {text}' for index, text in failures.items()) or labels.exit_message
            code = self.exit_codes.ERROR_PROGRAM_FAILED
            return code.format(pk=labels.pk, status=labels.exit_status, reason=f'no label of the last band: {reason}')
        self.out('path', labels.outputs.frames)
        jobs = {f'job_{n:02d}': child.outputs.misc for n, child in enumerate(self.all_jobs) if 'misc' in child.outputs}
        found: Any = describe_vasp_band(labels.outputs.frames, self.inputs.parameters, **jobs)
        self.out('results', found)
        if not self.ctx.is_given_up:
            return None
        self.report(f'Job {job.pk} was the last; its band is the output `path`.')
        return self.exit_codes.ERROR_NOT_CONVERGED.format(**{key: found[key] for key in ('n_jobs', 'fmax', 'n_steps')})
