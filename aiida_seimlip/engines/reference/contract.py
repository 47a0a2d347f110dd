"""The contract of the socket `reference`: a program that labels configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import SocketWorkChain, validate_frames
from aiida_seimlip.functions.campaign.labels import take_known
from aiida_seimlip.functions.campaign.replay import replay_dynamics
from aiida_seimlip.functions.frames import merge_labels
from aiida_seimlip.options.ase import MdOptions

_HASHES: dict[str, frozenset[str]] = {}
"""Content hashes by the UUID of the node."""


class ReferenceWorkChain(SocketWorkChain):
    """Label configurations with energies, forces and stresses.

    A frame that cannot be labelled is no failure of the process, but an entry in `failures`: the process ends well as
    long as the program worked at all, be it that every single frame failed.

    A frame whose reason begins with `LATE` has not failed either: its job runs on, and is found again the next time.

    No label is computed twice: an adapter begins with `split_known`, runs its program for what that returns, and ends
    with `attach_labels`. It says in `find_known` where labels of the same kind are to be found.
    """

    socket = 'reference'
    settings = (*SocketWorkChain.settings, 'reuse_labels')
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
        spec.input(
            'reuse_labels', valid_type=orm.Bool, serializer=orm.to_aiida_type, default=lambda: orm.Bool(True),
            help='Whether to take labels that the profile holds already from the same program with the same settings.',
        )  # fmt: skip
        spec.input(
            'deadline', valid_type=orm.Float, serializer=orm.to_aiida_type, required=False,
            help='Time in s after which the frames still under way are left behind: their entries in `failures` begin '
            'with `Late`. An engine that runs all frames in one job waits for it.',
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

    @classmethod
    def describe_labels(cls, settings: Mapping[str, Any]) -> tuple[str, str]:
        """Return the method and the kind of energy of the labels that are going to be made, as in `Frames`.

        :param settings: of the engine, by port, checked by `explain_settings`.
        :return: each empty if that is not known beforehand.
        """
        return '', ''

    def find_known(self) -> Mapping[str, FramesData]:
        """Return the sets of frames in the profile that the same program has labelled with the same settings.

        :return: labelled frames by a name that is valid as the label of a link, such as ``labels_<pk>``.
        """
        return {}

    def find_known_dynamics(self) -> Mapping[str, Mapping[str, Any]]:
        """Return molecular dynamics in the profile that the same program has done with the same settings.

        :return: records as `replay_dynamics` takes them, by name.
        """
        return {}

    def split_known(self) -> FramesData | None:
        """Label the frames whose labels exist already; the samples of dynamics are taken together or not at all.

        :return: the frames that are left for the program, None if there are none.
        """
        frames, self.ctx.known, self.ctx.answer = self.inputs.frames, None, None
        if not self.inputs.reuse_labels.value:
            return frames
        if 'dynamics' in self.inputs:
            return self._split_known_dynamics()
        sources = self._sources_of(set(frames.hashes))
        if not sources:
            return frames
        outputs = take_known(frames, **sources)
        self.ctx.known = outputs.get('known')
        n_known = 0 if self.ctx.known is None else self.ctx.known.n_frames
        self.report(f'{n_known} of {frames.n_frames} frames have been labelled before, with the same settings')
        return outputs.get('unknown')

    def attach_labels(self, jobs: Mapping[str, Mapping[str, Any]]) -> None:
        """Attach the labels that were known and those of the jobs in the order of the frames.

        :param jobs: for each job ``frames``, ``failures`` and, if there are, ``labelled`` (see `merge_labels`).
        """
        if self.ctx.answer is not None:
            self.out_many(self.ctx.answer)
            return
        known = {} if self.ctx.known is None else {'known': {'labelled': self.ctx.known}}
        self.out_many(merge_labels(self.inputs.frames, **{**known, **jobs}))

    def _split_known_dynamics(self) -> FramesData | None:
        frames: FramesData = self.inputs.frames
        records = self.find_known_dynamics()
        if not records:
            return frames
        name = sorted(records)[0]
        self.ctx.answer = dict(replay_dynamics(frames, self.inputs.dynamics, **{name: records[name]}))
        self.report(f'the dynamics from {frames.n_frames} frames have been done before, with the same settings')
        return None

    def _sources_of(self, wanted: set[str]) -> dict[str, FramesData]:
        """Return as few of the known sets as it takes to label those frames that can be labelled.

        :param wanted: content hashes.
        """
        sources = {}
        for name, node in sorted(self.find_known().items()):
            found = wanted & hashes_of(node)
            if found:
                sources[name] = node
                wanted = wanted - found
            if not wanted:
                break
        return sources


def hashes_of(node: FramesData) -> frozenset[str]:
    """Return the content hashes of a stored node, which each worker reads once, as they do not change.

    :param node: one of the many that are looked through for known labels.
    """
    if node.uuid not in _HASHES:
        _HASHES[node.uuid] = frozenset(node.hashes)
    return _HASHES[node.uuid]
