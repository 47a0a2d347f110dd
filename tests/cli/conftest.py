"""A small piece of a campaign in the database, and a runner of commands."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from click.testing import CliRunner, Result

from aiida_seimlip.cli import cmd_root
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.mtp.levels import untrained


@pytest.fixture
def run_command() -> Callable[..., Result]:
    """Return a function that runs ``aiida-seimlip`` with arguments; it must end well unless told otherwise."""

    def run(*arguments: object, fails: bool = False) -> Result:
        result = CliRunner().invoke(cmd_root, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


def store_job(computer: orm.Computer, entry_point: str, label: str, inputs: dict, outputs: dict) -> orm.CalcJobNode:
    """Store a job that has ended with its inputs and outputs."""
    node = orm.CalcJobNode(computer=computer, process_type=f'aiida.calculations:{entry_point}')
    node.base.attributes.set('process_label', label)
    node.set_process_state('finished')
    node.set_exit_status(0)
    for name, value in inputs.items():
        node.base.links.add_incoming(value, link_type=LinkType.INPUT_CALC, link_label=name)
    node.store()
    for name, value in outputs.items():
        value.base.links.add_incoming(node, link_type=LinkType.CREATE, link_label=name)
        value.store()
    return node


def trained_potential(species: tuple[str, ...]) -> PotentialData:
    """Return a potential with made-up coefficients."""
    potential = untrained(6, species, max_dist=5.0)
    random = np.random.default_rng(1)
    return PotentialData.from_mtp(potential.with_parameters(random.normal(0, 1e-3, potential.n_parameters)))


@pytest.fixture
def story(aiida_localhost, li2co3) -> Any:
    """Return what a frame goes through: start, MD, candidates, labels, potential; and one that learned of others."""
    start = FramesData.from_atoms([li2co3]).store()
    images = [li2co3.copy() for _ in range(3)]
    for number, image in enumerate(images):
        image.rattle(0.05, seed=number)
    from aiida_seimlip.science.frames import Frames

    frames = Frames.from_atoms(images).replace(
        grades=np.array([2.5, 4.25, 11.0]), origin_uuids=np.full(3, start.uuid), origin_indices=np.zeros(3),
        origin_steps=np.array([100, 220, 345]),
    )  # fmt: skip
    labels = {
        'energies': np.full(3, -240.0), 'forces': np.full((72, 3), 0.5), 'stresses': np.full((3, 6), 0.01),
    }  # fmt: skip
    candidates, labelled = FramesData(frames), FramesData(frames[1:].replace(
        energies=labels['energies'][1:], forces=labels['forces'][24:], stresses=labels['stresses'][1:]
    ))  # fmt: skip
    others = FramesData(frames[0].replace(
        energies=labels['energies'][:1], forces=labels['forces'][:24], stresses=labels['stresses'][:1]
    )).store()  # fmt: skip
    potential, other_potential = trained_potential(('Li', 'C', 'O')), trained_potential(('C', 'Li', 'O'))
    conditions = orm.Dict({'ensemble': 'nvt', 'temperature': 600.0, 'seed': 17}).store()
    calculator = orm.Dict({'calculator': {'name': 'tblite', 'kwargs': {'method': 'GFN1-xTB'}}}).store()
    errors = orm.Dict({
        'energy_per_atom': {'count': 2, 'rms': 0.002}, 'force': {'rms': 0.3}, 'stress_pressure': {'rms': 1.5}
    })  # fmt: skip
    exploration = store_job(
        aiida_localhost, 'seimlip.lammps', 'LammpsCalculation', {'structure': start, 'parameters': conditions},
        {'candidates': candidates},
    )  # fmt: skip
    labelling = store_job(
        aiida_localhost, 'seimlip.ase', 'AseCalculation', {'frames': candidates, 'parameters': calculator},
        {'labelled': labelled},
    )  # fmt: skip
    training = store_job(
        aiida_localhost, 'seimlip.mlip3.train', 'Mlip3TrainCalculation', {'training__iteration_001': labelled},
        {'potential': potential, 'errors': errors},
    )  # fmt: skip
    store_job(
        aiida_localhost, 'seimlip.mlip3.train', 'Mlip3TrainCalculation', {'training__iteration_001': others},
        {'potential': other_potential},
    )  # fmt: skip
    return SimpleNamespace(
        start=start, candidates=candidates, labelled=labelled, potential=potential, other_potential=other_potential,
        exploration=exploration, labelling=labelling, training=training,
    )  # fmt: skip
