"""The contract of the socket `selection`: a program that chooses the candidates worth learning from."""

from __future__ import annotations

from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain
from aiida_seimlip.engines.training.contract import validate_training


class SelectionWorkChain(SocketWorkChain):
    """Choose among candidates those that tell a potential most that it does not know."""

    socket = 'selection'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input('potential', valid_type=PotentialData, help='The potential, with its active set.')
        spec.input_namespace(
            'training', valid_type=FramesData, dynamic=True, validator=validate_training,
            help='The labelled frames that the potential was trained on, in any number of nodes.',
        )  # fmt: skip
        spec.input('candidates', valid_type=FramesData, help='The frames to choose from; at least one.')
        spec.output(
            'selected', valid_type=FramesData,
            help='The chosen frames, with the grades and origins that they had; it may hold no frame.',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_PROGRAM_FAILED',
            message='The selection did not work: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
