"""The contract of the socket `dynamics`: a program that runs production molecular dynamics with a potential."""

from __future__ import annotations

from typing import ClassVar

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain


class DynamicsWorkChain(SocketWorkChain):
    """Run molecular dynamics to its end, over as many jobs as the wall time makes of it, and keep the ions' paths.

    The parameters are those of `DynamicsOptions`, in the same units, and what else the engine knows. A run that crashes
    ends the process well, with all that there is: `results` says what became of it. A job that ran out of wall time is
    continued from its last frame with the velocities; the state of thermostat and barostat begins anew.
    """

    socket = 'dynamics'
    knows_fields: ClassVar[bool] = False
    """Whether the engine has the option `field`, an electric field at the ions in V/Å."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input(
            'structure', valid_type=(FramesData, orm.StructureData),
            help='The start: one frame, with velocities (Å/ps) if they are to be kept, or a structure.',
        )  # fmt: skip
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='The potential, trained; an engine whose calculator is complete in itself needs none.',
        )  # fmt: skip
        spec.input(
            'charges', valid_type=orm.ArrayData, required=False,
            help='Fixed charges of the atoms (array `charges`, in e), for engines that know the option `field`.',
        )  # fmt: skip
        spec.output(
            'track', valid_type=orm.ArrayData, required=False,
            help='Paths of the mobile ions and of the centre of all other atoms, unwrapped, a frame every '
            '`track_every` steps; to be read by `aiida_seimlip.data.track.load_track`. None without `mobile`.',
        )  # fmt: skip
        spec.output(
            'trajectory', valid_type=FramesData, required=False,
            help='A whole frame every `dump_every` steps, the start included, with the energies (eV) and forces (eV/Å) '
            'of the potential, and its MD step.',
        )  # fmt: skip
        spec.output(
            'final', valid_type=FramesData, required=False,
            help='The last frame, with velocities (Å/ps), to go on from; not of a run that crashed or broke.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict,
            help='`outcome` (completed, broke, crashed or out_of_walltime), `n_steps` (done), `n_steps_asked`, '
            '`n_jobs`, `message` (none if all is well), `mean_temperature` (K), `mean_pressure` (bar; none if '
            'unknown), `mean_volume` (Å³), in a field `mean_temperature_still` (K, of the motion against the centre of '
            'mass), and `seconds` (of the jobs) and `loop_seconds` (of dynamics alone) of wall time.',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_PROGRAM_FAILED',
            message='The dynamics did not run: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
