"""Labels from VASP: a WorkChain of aiida-vasp for each frame, some at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.vasp import VaspLabelOptions

try:
    from aiida_seimlip.engines.reference import vasp_known
    from aiida_seimlip.engines.reference.vasp_pool import VaspPoolMixin
except ModuleNotFoundError as exception:
    raise ImportError(
        f"The engine `vasp` needs aiida-vasp: `pip install 'aiida-seimlip[vasp]'` ({exception})."
    ) from exception


class VaspReferenceWorkChain(VaspPoolMixin):
    """Label frames with VASP, one job for each."""

    plugin_prefix = 'vasp.vasp'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **VaspLabelOptions.port('How VASP labels frames.'))
        spec.input(
            'max_concurrent', valid_type=orm.Int, serializer=orm.to_aiida_type, default=lambda: orm.Int(20),
            help='The most jobs that are under way at once; a new one begins as soon as any other ends.',
        )  # fmt: skip
        spec.input(
            'deadline', valid_type=orm.Float, serializer=orm.to_aiida_type, required=False,
            help='Time in s after which jobs that still run are left behind; their labels join a later iteration.',
        )  # fmt: skip
        spec.inputs.validator = cls.validate_potentials
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.has_jobs)(
                cls.run_jobs,
                cls.retake_jobs,
            ),
            cls.results,
        )

    @classmethod
    def validate_potentials(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Look for each potential before the first job."""
        given = inputs.get('parameters')
        if 'frames' not in inputs or given is None or VaspLabelOptions.explain(given, 'parameters'):
            return None  # the ports themselves say so
        options = VaspLabelOptions.from_node(given)
        return vasp_known.explain_potentials(options, inputs['frames'].elements, 'parameters')

    @classmethod
    def explain_settings(cls, namespace: str, settings: Mapping[str, Any], **details: Any) -> str | None:
        """Look for the potentials of all species of the campaign, too."""
        message = super().explain_settings(namespace, settings, **details)
        if message is not None or 'parameters' not in settings:
            return message
        options = VaspLabelOptions.from_node(settings['parameters'])
        return vasp_known.explain_potentials(options, details.get('species', ()), f'{namespace}.parameters')

    @classmethod
    def describe_labels(cls, settings: Mapping[str, Any]) -> tuple[str, str]:
        """Return the functional; the energy is the free one, of which VASP's forces are the derivative."""
        return VaspLabelOptions.from_node(settings['parameters']).method_name, 'free'

    def setup(self) -> None:
        """Prepare a job for each frame whose label is not known."""
        frames, self.ctx.queue, self.ctx.frames = self.split_known(), [], None
        if frames is not None:
            self.prepare_jobs(frames)

    def find_known(self) -> Mapping[str, FramesData]:
        """Return what VASP has labelled with the same settings, whatever code and computer did it."""
        return vasp_known.find_labelled(self.inputs.parameters, self.inputs.frames)

    def results(self) -> ExitCode | None:
        """Attach the labels in the order of the frames."""
        if self.ctx.frames is None:
            self.attach_labels({})
            return None
        return self.harvest_jobs()
