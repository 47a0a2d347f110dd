"""Every registered engine keeps the contract of its socket, with a real program: the shipped kit, run over all."""

import inspect
from pathlib import Path

import pytest

from aiida_seimlip.engines.contract import PROPERTY_SOCKETS, SOCKETS, engine_names, load_engine
from aiida_seimlip.testing import (
    CondensationContract,
    DynamicsContract,
    EngineContract,
    ExplorationContract,
    PathContract,
    ReferenceContract,
    SelectionContract,
    TrainingContract,
    world,
)
from tests.espresso.fixtures import lif
from tests.mace_models.fixtures import needs_mace

ENGINES = [(socket, name) for socket in (*SOCKETS, *PROPERTY_SOCKETS) for name in engine_names(socket)]

SCALE = 300.0
"""Of the grades of models with random weights: the perfect cell has 1.7 then."""


class Here(EngineContract):
    """An engine with the program that comes with the package."""

    @pytest.fixture
    def settings(self, settings):
        return settings(self.socket, self.engine)


@pytest.mark.slow
class TestReferenceAse(Here, ReferenceContract):
    engine = 'ase'


@pytest.mark.slow
class TestReferenceReplay(Here, ReferenceContract):
    engine = 'replay'


@pytest.mark.slow
class TestReferenceVasp(Here, ReferenceContract):
    engine = 'vasp'
    precision = 2e-8  # files hold 8 decimals of energies and forces, 10 of coordinates


@pytest.mark.slow
class TestReferenceQuantumEspresso(Here, ReferenceContract):
    """pw.x itself, at 90 Ry, with triclinic cells of LiF; with few k-points, on which derivatives do not depend."""

    engine = 'quantumespresso'
    precision = 1e-6  # the cycle has converged to 1e-9 Ry; the basis changes with the cell

    def image(self, seed):
        return lif(seed)

    def labelled(self, atoms):
        return None


@pytest.mark.slow
class TestTrainingMlip3(Here, TrainingContract):
    engine = 'mlip3'


@needs_mace
@pytest.mark.slow
class TestTrainingMace(Here, TrainingContract):
    engine = 'mace'
    n_frames = 11  # one is held out

    def start(self):
        return None


@pytest.mark.slow
class TestExplorationLammps(Here, ExplorationContract):
    engine = 'lammps'


@needs_mace
@pytest.mark.slow
class TestExplorationAse(Here, ExplorationContract):
    """With models of random weights: their disagreement is scaled such that it is small where the run begins."""

    engine = 'ase'

    @pytest.fixture
    def potential(self, mace_potential):
        return mace_potential(world.SPECIES, (1, 2, 3), deviation_scale=SCALE).store()


class TestSelectionCommittee(Here, SelectionContract):
    engine = 'committee'


@pytest.mark.slow
class TestSelectionMlip3(Here, SelectionContract):
    engine = 'mlip3'


@pytest.mark.slow
class TestDynamicsAse(Here, DynamicsContract):
    engine = 'ase'


@pytest.mark.slow
class TestDynamicsLammps(Here, DynamicsContract):
    engine = 'lammps'


@pytest.mark.slow
class TestPathAse(Here, PathContract):
    engine = 'ase'


@pytest.mark.slow
class TestPathVasp(Here, PathContract):
    engine = 'vasp'


@pytest.mark.slow
class TestCondensationAse(Here, CondensationContract):
    engine = 'ase'


def test_every_engine_is_held_to_its_contract():
    held = [(engine.socket, engine.engine) for engine in Here.__subclasses__()]
    assert sorted(held) == sorted(ENGINES)
    assert {socket for socket, _ in ENGINES} == {*SOCKETS, *PROPERTY_SOCKETS}


@pytest.mark.parametrize(('socket', 'name'), ENGINES)
def test_adapter_is_thin(socket, name):
    source = Path(inspect.getsourcefile(load_engine(socket, name)))
    assert len(source.read_text().splitlines()) <= 100


def test_unknown_engine_is_refused():
    with pytest.raises(ValueError, match='no engine `siesta` for the socket `reference`; there are `ase`'):
        load_engine('reference', 'siesta')
