"""Make the calculator that a job asks for; uploaded beside the scripts that run on the remote computer.

It needs ``shared.py`` beside it, numpy, ase and the calculator, and nothing else. The functions ``make_...`` are for
calculators whose constructors take objects where the options of a job can only hold plain values.
"""

from __future__ import annotations

import importlib
import platform
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .shared import Record, keep_memory, parts_of
else:  # on the remote computer the module lies beside this one
    from shared import Record, keep_memory, parts_of

if TYPE_CHECKING:
    from ase.calculators.calculator import BaseCalculator

ACTIVE_SET_MARK = b'#MVS'
NETWORK_ERRORS = (
    'ConnectTimeout', 'ConnectionError', 'LocalEntryNotFoundError', 'MaxRetryError', 'OfflineModeIsEnabled',
    'ProxyError', 'URLError', 'gaierror',
)  # fmt: skip
"""Names of the exceptions by which libraries say that they reach nobody."""


class SetupError(Exception):
    """The calculator cannot be made; the message says why and is reported as it stands."""


def make_calculator(options: Record) -> BaseCalculator:
    """Import the calculator class, or a function that returns one, and call it.

    :param options: ``target`` is ``module:attribute``; ``kwargs`` go to it; ``dispersion``, if there is any, is added
        as `add_dispersion` does.
    :raises SetupError: if what was made is no calculator.
    """
    keep_memory()
    module, _, attribute = options['target'].partition(':')
    calculator = getattr(importlib.import_module(module), attribute)(**options['kwargs'])
    if not hasattr(calculator, 'get_potential_energy') or not hasattr(calculator, 'get_forces'):
        raise SetupError(f'`{options["target"]}` makes a {type(calculator).__name__}, which is no ASE calculator.')
    if options.get('dispersion'):
        return add_dispersion(calculator, options['dispersion'])
    return calculator


def explain_setup(exception: Exception, options: Record) -> str:
    """Say why a calculator could not be made, and what to install where that would help.

    :param exception: that `make_calculator` has raised.
    :param options: of the calculator; ``install`` says what to install, empty if that is not known.
    """
    if isinstance(exception, SetupError):
        return str(exception)
    cause = _network_error(exception)
    if cause is not None:
        return (
            'The weights of the model are not there and could not be downloaded, as the computer of the job reaches no '
            f'network: {type(cause).__name__}: {cause}. Name a model that the package holds, or a file.'
        )
    if not isinstance(exception, ModuleNotFoundError):
        return f'{type(exception).__name__}: {exception}'
    advice = options.get('install') or f'the package that `{options["target"]}` comes from'
    if exception.name and exception.name.split('.')[0] == 'dftd3':
        advice = '`pip install dftd3`, for the dispersion'
    return f'{exception}. The Python interpreter of the job, {sys.executable}, needs {advice}.'


def _network_error(exception: BaseException) -> BaseException | None:
    """Return the exception in a chain by which a library says that it reaches no network, None if there is none."""
    found: BaseException | None = exception
    while found is not None:
        if any(kind.__name__ in NETWORK_ERRORS for kind in type(found).__mro__):
            return found
        found = found.__cause__ or found.__context__
    return None


def package_versions(options: Record) -> dict[str, str | None]:
    """Return the versions of Python, numpy, ASE and the packages of the calculator (None if it has no metadata).

    :param options: of the calculator; an empty ``package`` stands for the one that its module belongs to.
    """
    from importlib import metadata

    import ase
    import numpy as np

    versions: dict[str, str | None] = {
        'python': platform.python_version(), 'numpy': np.__version__, 'ase': ase.__version__
    }  # fmt: skip
    module = options['target'].partition(':')[0].partition('.')[0]
    belongs_to: dict[str, list[str]] = getattr(metadata, 'packages_distributions', dict)()  # older Pythons do not know
    packages = [options.get('package') or (belongs_to.get(module) or [module])[0]]
    for package in packages + (['dftd3'] if options.get('dispersion') else []):
        try:
            versions.setdefault(package, metadata.version(package))
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def own_folder(calculator: BaseCalculator, path: Path) -> bool:
    """Let a calculator that writes files do so in a folder of its own, and say whether it is one of them.

    Else processes that work side by side would overwrite each other's files, and a program would find what it has left
    behind for the frame before.

    :param calculator: with an attribute ``directory``, or a sum of such.
    :param path: of the folder.
    """
    writers = [part for part in parts_of(calculator) if hasattr(part, 'command') or hasattr(part, 'template')]
    for part in writers:
        part.directory = path
    return bool(writers)


# -- dispersion -------------------------------------------------------------------------------------------------------


def add_dispersion(calculator: BaseCalculator, options: Record) -> BaseCalculator:
    """Return the sum of a calculator and the dispersion D3 of S. Grimme, energies, forces and stresses.

    The energy of the dispersion belongs to its forces, so that the sum has a free energy where the calculator has one.

    :param calculator: without dispersion.
    :param options: keyword arguments of `dftd3.ase.DFTD3`: ``method`` and ``damping``.
    """
    from ase.calculators.mixing import SumCalculator
    from dftd3.ase import DFTD3

    dispersion = DFTD3(**options)
    dispersion.implemented_properties = ['energy', 'free_energy', 'forces', 'stress']  # it gives them all
    return SumCalculator([calculator, dispersion])


# -- calculators whose constructors take objects ----------------------------------------------------------------------


def make_motep(potential: str, species: list[str], **kwargs: Any) -> BaseCalculator:
    """Return the calculator of motep for a moment tensor potential.

    :param potential: name of a file in MLIP-3's format; an active set in it is left out, as motep does not read it.
    :param species: chemical symbols in type order.
    :param kwargs: of `motep.calculator.MTP`, such as ``engine``.
    """
    import tempfile

    from ase.data import atomic_numbers
    from motep.calculator import MTP
    from motep.io.mlip.mtp import read_mtp

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'potential.mtp')
        path.write_bytes(Path(potential).read_bytes().partition(ACTIVE_SET_MARK)[0])
        data = read_mtp(path)
    data.species = [atomic_numbers[symbol] for symbol in species]
    return MTP(data, **kwargs)


def make_chgnet(model_name: str = '0.3.0', device: str = 'cpu', **kwargs: Any) -> BaseCalculator:
    """Return the calculator of CHGNet with one of the models that its package holds, or with that of a file.

    :param model_name: of the model, or path of a file.
    :param device: ``cpu`` or ``cuda``.
    :param kwargs: of `chgnet.model.CHGNetCalculator`.
    """
    from chgnet.model import CHGNet, CHGNetCalculator

    if '/' in model_name:
        model = CHGNet.from_file(model_name).to(device)
    else:
        model = CHGNet.load(model_name=model_name, use_device=device, verbose=False)
    calculator = CHGNetCalculator(model=model, use_device=device, **kwargs)
    calculator.implemented_properties = (*calculator.implemented_properties, 'free_energy')  # it gives that, too
    return calculator


def make_mace(
    model_paths: str | list[str], device: str = 'cpu', default_dtype: str = 'float64', **kwargs: Any
) -> BaseCalculator:
    """Return the calculator of MACE, for one model or a committee.

    A file in TorchScript is loaded as what it is, which runs no code of others.

    :param model_paths: of one model, or of each member.
    :param device: ``cpu`` or ``cuda``.
    :param default_dtype: ``float64`` or ``float32``.
    :param kwargs: of `mace.calculators.MACECalculator`.
    """
    import torch
    from mace.calculators import MACECalculator

    paths = [model_paths] if isinstance(model_paths, str) else model_paths
    if all(is_torchscript(path) for path in paths):
        kwargs['models'] = [torch.jit.load(path, map_location=device) for path in paths]
    else:
        kwargs['model_paths'] = model_paths
    return MACECalculator(device=device, default_dtype=default_dtype, **kwargs)


def is_torchscript(path: str) -> bool:
    """Tell whether a file holds a TorchScript module, and not objects that ``torch.save`` has pickled.

    :param path: of the file.
    """
    import zipfile

    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.partition('/')[2].startswith('code/') for name in archive.namelist())


def make_espresso(command: str = 'pw.x', pseudo_dir: str = '.', **kwargs: Any) -> BaseCalculator:
    """Return the calculator of Quantum ESPRESSO.

    :param command: that runs ``pw.x``, with what it takes to run it in parallel.
    :param pseudo_dir: folder of the pseudopotentials.
    :param kwargs: of `ase.calculators.espresso.Espresso`: ``pseudopotentials``, ``input_data``, ``kpts``, ...
    """
    from ase.calculators.espresso import Espresso, EspressoProfile

    require_program(command)
    return Espresso(profile=EspressoProfile(command, Path(pseudo_dir).absolute()), **kwargs)


def make_abinit(command: str = 'abinit', pp_paths: str = '.', **kwargs: Any) -> BaseCalculator:
    """Return the calculator of ABINIT.

    :param command: that runs ``abinit``, with what it takes to run it in parallel.
    :param pp_paths: folder of the pseudopotentials.
    :param kwargs: of `ase.calculators.abinit.Abinit`: ``ecut`` (eV), ``kpts``, ``pps``, ...
    """
    from ase.calculators.abinit import Abinit, AbinitProfile

    require_program(command)
    return Abinit(profile=AbinitProfile(command, pp_paths=[str(Path(pp_paths).absolute())]), **kwargs)


def require_program(command: str) -> None:
    """Look for the program that a command begins with.

    :raises SetupError: if it is not on the path.
    """
    program = shlex.split(command)[0]
    if shutil.which(program) is None:
        raise SetupError(f'The program `{program}` is not on the `PATH` of the job.')
