"""The contract of the socket `condensation`: a program that makes dense, relaxed cells of packed ones."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain, validate_frames


class CondensationWorkChain(SocketWorkChain):
    """Run the stages of a condensation on each frame, over as many jobs as the wall time makes of it.

    The parameters hold the stages as `CondenseOptions` under `condense`, and what else the engine knows. A frame that
    goes astray is no failure of the process, but an entry in `failures`: the process ends well as long as the program
    worked at all, be it that every single frame failed. Stages that end before they have converged are no failure
    either: `results` tells.
    """

    socket = 'condensation'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input('frames', valid_type=FramesData, validator=validate_frames, help='The packed cells.')
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='The potential, trained; an engine whose calculator is complete in itself needs none.',
        )  # fmt: skip
        spec.output(
            'frames', valid_type=FramesData, required=False,
            help='The last state of each frame that came through all stages, in the order of the input, labelled by '
            'the calculator: energies (eV), forces (eV/Å), stresses (eV/Å³). Its origin is the input and the index '
            'there; its step counts those of all stages. None if all failed.',
        )  # fmt: skip
        spec.output(
            'failures', valid_type=orm.Dict,
            help='Index of each input frame that did not come through, as a string, and the reason.',
        )  # fmt: skip
        spec.output(
            'trace', valid_type=FramesData, required=False,
            help='Labelled frames on the way, of frames that failed as well, in order of frame and step; their origins '
            'are as those of `frames`. None unless they are asked for.',
        )  # fmt: skip
        spec.output(
            'record', valid_type=orm.ArrayData, required=False,
            help='What was recorded on the way: arrays `frame` (index in the input), `stage` (from 0), `step` (in the '
            'stage), `total` (steps of all stages), `temperature` (K), `density` (g/cm³), `pressure` (GPa, that of the '
            'motion included), `energy` (eV) and `max_force` (eV/Å); what is not known is NaN.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict,
            help='`stages`: for each frame, by its index as a string, a record of each stage that it came through '
            '(`kind`, `n_steps`, `converged` (none for dynamics), and the last row of `record`); `n_steps` in all; '
            '`n_left_out`: samples with too large a force; `n_jobs`; `seconds` and `cpu_seconds` of the jobs; '
            '`versions`.',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_PROGRAM_FAILED',
            message='The condensation did not run: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
