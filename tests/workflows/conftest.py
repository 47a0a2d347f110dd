"""Small campaigns: their inputs, and processes that stand for those of the engines."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

SPECIES = ['Ne', 'Ar']


def crystal(seed: int = 0, scale: float = 0.0) -> Atoms:
    """Return fcc argon with every fourth atom a neon, displaced a little."""
    atoms = bulk('Ar', a=5.3, cubic=True) * (2, 1, 1)
    atoms.symbols[::4] = 'Ne'
    atoms.positions += np.random.default_rng(seed).normal(scale=scale, size=atoms.positions.shape)
    return atoms


@pytest.fixture(autouse=True)
def _keep_reports(reports_in_database: None) -> None:
    """Keep what processes report, which many tests look at."""


@pytest.fixture
def make_frames() -> Callable[..., Any]:
    """Return a factory of `FramesData`: ``make_frames(n, labelled=True, grades=None, seed=0)``."""
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.science.frames import Frames

    def factory(n: int, *, labelled: bool = False, grades: Any = None, seed: int = 0) -> FramesData:
        frames = Frames.from_atoms([crystal(seed=1000 * seed + index, scale=0.1) for index in range(n)])
        if labelled:
            rng = np.random.default_rng(seed)
            frames = frames.replace(
                energies=rng.normal(size=n), forces=rng.normal(size=frames.positions.shape),
                stresses=rng.normal(size=(n, 6)),
            )  # fmt: skip
        if grades is not None:
            frames = frames.replace(grades=np.array(grades, dtype=float))
        return FramesData(frames)

    return factory


@pytest.fixture
def potential() -> Any:
    """Return a trained potential for neon and argon, without an active set, as a stored node."""
    from aiida_seimlip.data.potential import PotentialData
    from aiida_seimlip.science.mtp.levels import untrained

    empty = untrained(6, SPECIES, min_dist=2.0, max_dist=5.0)
    parameters = np.random.default_rng(1).normal(scale=0.01, size=empty.n_parameters)
    return PotentialData.from_mtp(empty.with_parameters(parameters)).store()


@pytest.fixture
def campaign_options() -> dict[str, Any]:
    """Return small options: two starts, two temperatures."""
    return {
        'seed': 7, 'max_iterations': 3, 'max_labels': 40,
        'untrained': {'level': 6, 'max_dist': 5.0},
        'bootstrap': {'n_perturbed': 3},
        'exploration': {'conditions': [{'temperature': 20.0, 'n_steps': 100}, {'temperature': 60.0, 'n_steps': 100}]},
        'filters': {'min_distance': 1.0, 'max_force': None},
    }  # fmt: skip


@pytest.fixture
def campaign_inputs(code, campaign_options) -> dict[str, Any]:
    """Return inputs of `ActiveLearningWorkChain` that pass all checks."""
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData

    return {
        'structures': {
            'crystal': FramesData.from_atoms([crystal()]), 'other': FramesData.from_atoms([crystal(3, scale=0.05)]),
        },
        'species': orm.List(SPECIES),
        'options': campaign_options,
        'reference': {'code': code('seimlip.ase'), 'parameters': orm.Dict({'calculator': {'name': 'lj'}})},
        'training': {'code': code('seimlip.mlip3.train')},
        'exploration': {'code': code('seimlip.lammps')},
        'selection': {'code': code('seimlip.mlip3.select')},
    }  # fmt: skip


@pytest.fixture
def generate_campaign(campaign_inputs) -> Callable[..., Any]:
    """Return a function that makes a campaign process, set up but not run: ``(options=None, **inputs)``."""

    def factory(options: Mapping[str, Any] | None = None, **inputs: Any) -> Any:
        from aiida.engine.utils import instantiate_process
        from aiida.manage import get_manager

        from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

        merged = {**campaign_inputs, 'options': {**campaign_inputs['options'], **(options or {})}, **inputs}
        process = instantiate_process(get_manager().get_runner(), ActiveLearningWorkChain, **merged)
        process.setup()
        return process

    return factory


_NUMBERS = itertools.count()


@pytest.fixture
def finished() -> Callable[..., Any]:
    """Return a factory of terminated processes: ``finished(exit_status, exit_message, **outputs)``."""
    from aiida import orm
    from aiida.common.links import LinkType
    from plumpy import ProcessState

    def factory(exit_status: int = 0, exit_message: str = '', **outputs: Any) -> orm.WorkChainNode:
        node = orm.WorkChainNode(label=f'stand-in {next(_NUMBERS)}')
        node.set_process_label('StandIn')
        node.set_process_state(ProcessState.FINISHED)
        node.set_exit_status(exit_status)
        node.set_exit_message(exit_message)
        node.store()
        for name, output in outputs.items():
            output.store()
            output.base.links.add_incoming(node, link_type=LinkType.RETURN, link_label=name)
        return node

    return factory


def _slab() -> Any:
    from ase.build import fcc111

    atoms = fcc111('Ar', (2, 2, 3), a=5.3, vacuum=6)
    atoms.symbols[::4] = 'Ne'
    return atoms


def _cluster() -> Atoms:
    atoms = crystal()
    atoms.pbc = False
    return atoms


def _alloy() -> Any:
    from aiida import orm
    from aiida.orm.nodes.data.structure import Kind, Site

    structure = orm.StructureData(cell=[[5.0, 0, 0], [0, 5.0, 0], [0, 0, 5.0]])
    for index, (symbols, weights) in enumerate([(['Ne', 'Ar'], [0.5, 0.5]), (['Ar'], [0.5])]):
        structure.append_kind(Kind(symbols=symbols, weights=weights, name=f'kind{index}'))
        structure.append_site(Site(kind_name=f'kind{index}', position=(2.0 * index, 0.0, 0.0)))
    return structure


UNUSABLE = {
    'slab': (_slab, 'is periodic along a and b only'), 'cluster': (_cluster, 'is not periodic'),
    'atom': (lambda: Atoms('Ar', cell=[5, 5, 5], pbc=True), 'holds one atom, which cannot move'),
    'alloy': (_alloy, 'stated is ArNe0.5, whole atoms would be Ar'),
}  # fmt: skip
"""Starts of neon and argon that nothing can move, and words of the sentence that says so."""


@pytest.fixture(params=[(name, as_frames) for name in UNUSABLE for as_frames in (True, False)], ids=str)
def unusable_start(request) -> tuple[Any, str]:
    """Return a start that no molecular dynamics can begin from, and words of the sentence that refuses it."""
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData

    name, as_frames = request.param
    make, words = UNUSABLE[name]
    made = make()
    if not isinstance(made, Atoms):
        return made, words
    return (FramesData.from_atoms([made]) if as_frames else orm.StructureData(ase=made)), words
