"""Models of MACE before and after a training; uploaded beside ``run_mace_train.py``.

Units are ASE's (eV, Å, eV/Å³).
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .shared import Record, StopError, read_frame
else:
    from shared import Record, StopError, read_frame

MODEL_FILENAME, PICKLE_FILENAME = 'model.pt', 'model.model'
ATOM_ENERGIES = 'atomic_energies_fn.atomic_energies'
PREFIX = 'REF_'


def write_frames(path: Path, arrays: Any, is_virial: bool) -> Record:
    """Write labelled frames as MACE reads them, and return how many labels there are of each kind.

    :param path: of the file in the extended XYZ format.
    :param arrays: packed, as in `aiida_seimlip.science.frames.Frames`.
    :param is_virial: whether to write virials, minus stress times volume, instead of stresses.
    """
    import numpy as np
    from ase.io import write
    from ase.stress import voigt_6_to_full_3x3_stress

    images, kind = [], 'virials' if is_virial else 'stress'
    counts: Record = {'frames': 0, 'energy': 0, 'forces': 0, kind: 0}
    for index, energy in enumerate(arrays['energies']):
        atoms = read_frame(arrays, index)
        atoms.info, atoms.calc = {f'{PREFIX}energy': float(energy)}, None
        if 'momenta' in atoms.arrays:
            del atoms.arrays['momenta']
        atoms.arrays[f'{PREFIX}forces'] = arrays['forces'][arrays['ptr'][index] : arrays['ptr'][index + 1]]
        stress = arrays['stresses'][index] if 'stresses' in arrays else np.full(6, np.nan)
        if np.all(np.isfinite(stress)):
            tensor = voigt_6_to_full_3x3_stress(stress)
            atoms.info[f'{PREFIX}{kind}'] = -tensor * atoms.get_volume() if is_virial else tensor
            counts[kind] += 1
        images.append(atoms)
        for name in ('frames', 'energy', 'forces'):
            counts[name] += 1
    write(path, images, format='extxyz')
    return counts


def count_labels(loader: Any) -> Record:
    """Return how many frames MACE has read, and how many energies, forces, stresses and virials it learns from."""
    found = list(loader.dataset)
    counts: Record = {'frames': len(found)}
    for name in ('energy', 'forces', 'stress', 'virials'):
        counts[name] = sum(bool(getattr(data, f'{name}_weight') > 0) for data in found)
    return counts


def compare_counts(name: str, found: Record, sent: Record) -> None:
    """Check that MACE learns from what it was given.

    :param name: of the set.
    :raises StopError: if it does not.
    """
    for kind, number in sent.items():
        if found[kind] != number:
            what = 'frames' if kind == 'frames' else f'frames with {kind}'
            raise StopError('bad_data', f'MACE has read {found[kind]} {what} of the {number} of the {name} set.')


def read_start(path: Path, numbers: list[int]) -> Record:
    """Return what a model in TorchScript tells: its weights, and the mean number of neighbours that it divides by.

    :param numbers: atomic numbers that it must be for.
    :raises StopError: if it cannot be loaded, or is for others.
    """
    import torch

    try:
        model = torch.jit.load(str(path), map_location='cpu')
        found = {
            'weights': model.state_dict(), 'r_max': float(model.r_max),
            'avg_num_neighbors': float(next(iter(model.interactions.children())).avg_num_neighbors),
        }  # fmt: skip
    except Exception as exception:  # torch raises many kinds
        raise StopError(
            'start_unusable', f'it cannot be loaded: {type(exception).__name__}: {exception}'
        ) from exception
    theirs = [int(number) for number in found['weights']['atomic_numbers']]
    if theirs != numbers:
        raise StopError('start_unusable', f'it is for the atomic numbers {theirs}, the frames for {numbers}.')
    return found


def load_weights(model: Any, start: Record) -> None:
    """Give a model the weights that it starts from.

    :param start: from `read_start`.
    :raises StopError: if they do not fit.
    """
    own = model.state_dict()
    weights = {name: tensor for name, tensor in start['weights'].items() if name in own}
    lacking = sorted(name for name, _ in model.named_parameters() if name not in weights)
    wrong = sorted(name for name in weights if weights[name].shape != own[name].shape)
    if lacking or wrong or abs(start['r_max'] - float(model.r_max)) > 1e-6:
        what = f'`{(wrong or lacking or ["r_max"])[0]}`'
        raise StopError('start_unusable', f'it is of another size than the parameters ask for: {what} does not fit.')
    model.load_state_dict(weights, strict=False)


def set_atom_energies(model: Any, energies: dict[int, float]) -> None:
    """Set the energies of isolated atoms, which MACE's fine-tuning takes from the foundation model.

    :param energies: in eV, by atomic number; none: they are left as they are.
    """
    if energies:
        tensor = model.atomic_energies_fn.atomic_energies
        values = [energies[int(number)] for number in model.atomic_numbers]
        own = tensor[-1] if len(model.heads) > 1 else tensor  # heads beside the last one are those of the start
        own.copy_(own.new_tensor(values).expand_as(own))


def check_atom_energies(model: Any, energies: dict[int, float]) -> dict[int, float]:
    """Return the energies of isolated atoms that a model holds, in eV by atomic number.

    :param energies: those asked for; none: any.
    :raises StopError: if they are others.
    """
    import torch

    tensor = model.atomic_energies_fn.atomic_energies
    numbers, held = [int(number) for number in model.atomic_numbers], torch.atleast_2d(tensor)[-1].tolist()
    found = dict(zip(numbers, held, strict=True))
    for number, energy in energies.items():
        if number not in found or abs(found[number] - energy) > 1e-6 * max(1.0, abs(energy)):
            reason = f'of atomic number {number} it holds {found.get(number)} eV, but {energy} eV was asked for.'
            raise StopError('wrong_atom_energies', reason)
    return found


def finish(model: Any, options: Record, folder: Path) -> Record:
    """Write the model, pickled and in TorchScript, in double precision, and return what is known about it.

    The energies of isolated atoms are checked, then set to all their digits. Of several heads the last one is kept.

    :param options: what the script has read.
    :raises StopError: if they are not those asked for, the precision is another one, or TorchScript fails.
    """
    import torch
    from e3nn.util import jit

    asked = {int(number): energy for number, energy in options['atom_energies'].items()}
    check_atom_energies(model, asked)
    dtype = str(next(model.parameters()).dtype).removeprefix('torch.')
    if dtype != options['arguments']['default_dtype']:
        reason = f'it was trained in {dtype}, but {options["arguments"]["default_dtype"]} was asked for.'
        raise StopError('wrong_dtype', reason)
    if options['arguments'].get('lora'):
        from mace.modules.lora import merge_lora_weights

        merge_lora_weights(model)
    if len(model.heads) > 1:
        from mace.tools.scripts_utils import remove_pt_head

        model = remove_pt_head(model.to('cpu'), model.heads[-1])
    model = model.to('cpu').to(torch.float64)
    set_atom_energies(model, asked)
    torch.save(model, folder / PICKLE_FILENAME)
    try:
        jit.compile(deepcopy(model)).save(str(folder / MODEL_FILENAME))
    except Exception as exception:  # torch raises many kinds
        raise StopError('torchscript_failed', f'{type(exception).__name__}: {exception}') from exception
    return {
        'atom_energies': check_atom_energies(model, asked), 'r_max': float(model.r_max), 'dtype': dtype,
        'n_parameters': sum(parameter.numel() for parameter in model.parameters()),
        'numbers': [int(number) for number in model.atomic_numbers],
    }  # fmt: skip


def predict(folder: Path, arrays: Any, device: str) -> Record:
    """Return energies, forces and stresses of frames by the model in TorchScript, in double precision.

    :param folder: with the model.
    :param arrays: packed frames.
    :return: arrays of the names and shapes of `aiida_seimlip.science.frames.Frames`.
    """
    import numpy as np
    import torch
    from mace.calculators import MACECalculator

    model = torch.jit.load(str(folder / MODEL_FILENAME), map_location=device)
    calculator = MACECalculator(models=[model], device=device, default_dtype='float64')
    energies, forces, stresses = [], [np.zeros((0, 3))], []
    for index in range(len(arrays['energies'])):
        atoms = read_frame(arrays, index)
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces())
        stresses.append(atoms.get_stress() if atoms.pbc.all() else np.full(6, np.nan))
    return {
        'energies': np.array(energies), 'forces': np.concatenate(forces), 'stresses': np.array(stresses).reshape(-1, 6)
    }  # fmt: skip
