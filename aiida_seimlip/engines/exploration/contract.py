"""The contract of the socket `exploration`: a program that looks for configurations that a potential does not know."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain


class ExplorationWorkChain(SocketWorkChain):
    """Run molecular dynamics with a potential, until its end or until the potential extrapolates too far.

    A break is an expected end, and a crash is data as well: the process ends well in both cases and says so in
    `results`. The parameters are those of `ExplorationConditions`, in the same units, with `seed`, `threshold_save` and
    `threshold_break`, and what else the engine knows.
    """

    socket = 'exploration'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input(
            'structure', valid_type=(FramesData, orm.StructureData), help='The start: one frame, or a structure.'
        )
        spec.input('potential', valid_type=PotentialData, help='The potential, trained and with an active set.')
        spec.output(
            'candidates', valid_type=FramesData, required=False,
            help='Frames with a grade above `threshold_save`, with their grades, in order of step; after a crash also '
            'its last sane frames. None if there are none.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict,
            help='`outcome` (completed, broke, crashed or out_of_walltime), `n_steps` (done), `highest_grade` (none '
            'if unknown), `n_candidates`, `message` (none if all is well), `n_jobs` (where more than one was needed), '
            '`tries` (one for each start: `temperature` in K, `timestep` in fs, `n_steps`, `outcome`, `message`).',
        )  # fmt: skip
        spec.output('trajectory', valid_type=FramesData, required=False, help='A frame every `dump_every` steps.')
        spec.output(
            'final', valid_type=FramesData, required=False, help='The last frame, with velocities (Å/ps); only of a '
            'run that came to its end.',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_PROGRAM_FAILED',
            message='The exploration did not run: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
