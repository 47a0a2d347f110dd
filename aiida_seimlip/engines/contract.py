"""What the sockets have in common, and how an engine is found by its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.common.exceptions import EntryPointError
from aiida.engine import InputPort, ProcessSpec, WorkChain
from aiida.plugins import WorkflowFactory
from aiida.plugins.entry_point import get_entry_point_names

from aiida_seimlip.calculations.validation import explain_resources, explain_scheduler_options, faults_of_code
from aiida_seimlip.data.frames import FramesData

ENTRY_POINT_GROUP = 'aiida.workflows'
SOCKETS = ('reference', 'training', 'exploration', 'selection')
"""The jobs of a campaign that grows a potential."""

PROPERTY_SOCKETS = ('dynamics', 'path', 'condensation')
"""The jobs of workflows that use one."""


class SocketWorkChain(WorkChain):
    """A job that different programs can do: fixed inputs and outputs, whatever the program.

    A contract, one for each socket, names the ports; an adapter, one for each program, fills them. Workflows know the
    contracts only and find the adapters by name. `code`, `parameters` and `options` are the settings of a program: the
    user of a workflow gives them once. All other inputs of a contract are the data of each call.
    """

    socket: ClassVar[str]
    settings: ClassVar[tuple[str, ...]] = ('code', 'parameters', 'options')
    plugin_prefix: ClassVar[str] = ''
    """How the entry points of the CalcJobs begin for which a code may have been registered."""
    needs_code: ClassVar[bool] = True
    """Whether the adapter runs a program."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports that all sockets share."""
        super().define(spec)
        spec.input(
            'code', valid_type=orm.AbstractCode, validator=cls.validate_code, required=cls.needs_code,
            help='The program, and where it runs.',
        )  # fmt: skip
        spec.input(
            'parameters', valid_type=orm.Dict, serializer=orm.to_aiida_type, required=False,
            help='Settings of the program.',
        )  # fmt: skip
        spec.input(
            'options', valid_type=orm.Dict, serializer=orm.to_aiida_type, required=False,
            validator=explain_scheduler_options,
            help='Settings of the scheduler for each job, as `metadata.options` of a CalcJob: `resources`, '
            '`max_wallclock_seconds` (s), `queue_name`, ...',
        )  # fmt: skip

    @classmethod
    def default_nodes(cls) -> dict[str, orm.Data]:
        """Return a stored node for each port that has a default.

        Who calls an engine again and again gives all calls the same ones: otherwise each call stores its own.
        """
        ports = {name: port for name, port in cls.spec().inputs.items() if isinstance(port, InputPort)}
        defaults = {name: port.default for name, port in ports.items() if port.has_default() and not port.non_db}
        return {name: (default() if callable(default) else default).store() for name, default in defaults.items()}

    @classmethod
    def validate_code(cls, code: orm.AbstractCode | None, _: Any) -> str | None:
        """Refuse a code that was registered for another kind of job."""
        if code is None:
            return None
        return next(faults_of_code('code', code, cls.plugin_prefix), None)

    @classmethod
    def explain_settings(
        cls, namespace: str, settings: Mapping[str, Any], *, given_later: Collection[str] = (),
        species: Collection[str] = (),
    ) -> str | None:  # fmt: skip
        """Say what is wrong with the settings of this engine, before any data are known.

        :param namespace: where the user gave them, for the message.
        :param settings: inputs by port; data ports may be missing.
        :param given_later: ports that the workflow completes itself; they are neither checked nor missed.
        :param species: chemical symbols of all that the engine is going to meet, as far as they are known; an engine
            that needs something for each of them looks for it.
        :return: one sentence, or None if all is well.
        """
        ports = cls.spec().inputs
        data = set(cls.contract().spec().inputs) - {*cls.settings, 'metadata'}
        for name, value in settings.items():
            if name not in ports or name in data:
                known = ', '.join(sorted(set(ports) - data - {'metadata'}))
                return f'Input `{namespace}.{name}` is not known to the engine `{cls.__name__}` (known are {known}).'
            error = None if name in given_later else ports[name].validate(value, (namespace,))
            if error is not None:
                return error.message.replace(f'`{name}`', f'`{namespace}.{name}`', 1)
        for name in cls.settings:
            if ports[name].required and name not in settings and name not in given_later:
                return f'Input `{namespace}.{name}` is missing.'
        if 'code' in settings and 'options' in settings:
            fault = explain_resources(settings['code'], settings['options'])
            return fault and fault.replace('`options`', f'`{namespace}.options`', 1)
        return None

    @classmethod
    def faults_of_call(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what this engine or its jobs would refuse of a call, so that a workflow knows before its first one.

        :param inputs: of the engine; one that the workflow does not know yet is absent.
        :return: sentences that name the inputs as the engine does; unless an engine knows more, those of its only kind
            of job.
        """
        find_faults = getattr(getattr(cls, '_process_class', None), 'find_faults', None)
        yield from () if find_faults is None else find_faults(inputs)

    @classmethod
    def contract(cls) -> type[SocketWorkChain]:
        """Return the contract that this class keeps."""
        return next(parent for parent in cls.__mro__ if SocketWorkChain in parent.__bases__)

    def job_metadata(self, label: str | None = None) -> dict[str, Any]:
        """Return the metadata of a job: the scheduler's settings and the label of the link.

        :param label: of the link to the job.
        """
        options = self.inputs.options.get_dict() if 'options' in self.inputs else {}
        return {'options': options, **({'call_link_label': label} if label else {})}


def validate_frames(frames: FramesData, _: Any) -> str | None:
    """Refuse an empty set."""
    return None if frames.n_frames else 'Input `frames` holds no frame.'


def engine_names(socket: str) -> tuple[str, ...]:
    """Return the names of the engines that are installed for a socket.

    :param socket: one of `SOCKETS` or `PROPERTY_SOCKETS`.
    """
    prefix = f'seimlip.{socket}.'
    names = get_entry_point_names(ENTRY_POINT_GROUP)
    return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def load_engine(socket: str, name: str) -> type[SocketWorkChain]:
    """Load the adapter of a program.

    :param socket: one of `SOCKETS` or `PROPERTY_SOCKETS`.
    :param name: of the engine, such as ``mlip3``: the last part of its entry point ``seimlip.<socket>.<engine>``.
    :raises ValueError: if there is no such engine, or it does not keep the contract of the socket.
    """
    if name not in engine_names(socket):
        known = ', '.join(f'`{known}`' for known in engine_names(socket))
        raise ValueError(f'There is no engine `{name}` for the socket `{socket}`; there are {known or "none"}.')
    try:
        engine: Any = WorkflowFactory(f'seimlip.{socket}.{name}')
    except EntryPointError as exception:
        cause = exception.__context__ if isinstance(exception.__context__, ImportError) else exception
        raise ValueError(f'The engine `{name}` of the socket `{socket}` cannot be loaded: {cause}') from exception
    if not (issubclass(engine, SocketWorkChain) and engine.socket == socket):
        raise ValueError(f'The engine `{name}` does not keep the contract of the socket `{socket}`.')
    return engine
