"""The contract of the socket `reference`: a program that labels configurations."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import SocketWorkChain
from aiida_seimlip.options.ase import MdOptions


class ReferenceWorkChain(SocketWorkChain):
    """Label configurations with energies, forces and stresses.

    A frame that cannot be labelled is no failure of the process, but an entry in `failures`: the process ends well as
    long as the program worked at all, be it that every single frame failed.
    """

    socket = 'reference'
    supports_dynamics = True
    """Whether the adapter can run molecular dynamics."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input(
            'frames', valid_type=FramesData, validator=validate_frames, help='The frames; labels that they carry are '
            'ignored.',
        )  # fmt: skip
        spec.input(
            'dynamics', **MdOptions.port(
                'Run short molecular dynamics from each frame and return labelled samples, instead of labelling the '
                'frames themselves.', required=False,
            ),
        )  # fmt: skip
        spec.output(
            'frames', valid_type=FramesData, required=False,
            help='The labelled frames in the order of the input, or the samples in order of frame and step: energies '
            '(eV), forces (eV/Å), stresses (eV/Å³, order xx yy zz yz xz xy, positive in tension); none if all failed.',
        )  # fmt: skip
        spec.output(
            'failures', valid_type=orm.Dict,
            help='Index of each input frame that could not be labelled, as a string, and the reason.',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_PROGRAM_FAILED',
            message='The reference program did not work: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip


def validate_frames(frames: FramesData, _: Any) -> str | None:
    """Refuse an empty set."""
    return None if frames.n_frames else 'Input `frames` holds no frame.'
