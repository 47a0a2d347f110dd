"""The demo with a toy in the place of Li2CO3: solid argon with the Lennard-Jones potential as the reference.

Run as a program with the arguments of ``aiida-seimlip demo``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

ARGON = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0}


def build_toy(codes: Mapping[str, Any]) -> Any:
    """Return a campaign of seconds, in the place of `aiida_seimlip.cli.demo.run.build_campaign`."""
    from ase.build import bulk

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    dynamics = {'ensemble': 'nvt', 'timestep': 2.0, 'n_steps': 200, 'dump_every': 50, 'thermo_every': 50}
    overrides = {
        'options': {
            'seed': 3, 'max_iterations': 3, 'max_labels': 60,
            'untrained': {'level': 6, 'min_dist': 2.5, 'max_dist': 5.0},
            'bootstrap': {'n_perturbed': 6, 'dynamics': None},
            'filters': {'min_distance': 2.0, 'max_grade': 1000.0, 'max_force': None},
            'exploration': {'conditions': [{**dynamics, 'temperature': 20.0}, {**dynamics, 'temperature': 60.0}]},
            'held_out': {'n_frames': 4, 'conditions': [{**dynamics, 'temperature': 40.0}]},
        },
        'reference': {'parameters': {'calculator': {'name': 'lj', 'kwargs': ARGON}, 'processes': 1}},
        'training': {'parameters': {'iteration_limit': 50}},
    }  # fmt: skip
    sockets = {'reference': 'python', 'training': 'seimlip-mlp', 'exploration': 'seimlip-lmp'}
    crystal = FramesData.from_atoms([bulk('Ar', 'fcc', a=5.3, cubic=True).repeat((2, 2, 2))])
    return ActiveLearningWorkChain.get_builder_from_protocol(
        {socket: codes[label] for socket, label in sockets.items()}, {'crystal': crystal}, protocol='demo',
        overrides=overrides,
    )  # fmt: skip


def plan_toy() -> Any:
    """Return what to compute with the toy: a hop of a vacancy, and dynamics in which nothing diffuses."""
    from ase.build import bulk

    from aiida_seimlip.cli.demo.properties import Plan

    return Plan(
        crystal=bulk('Ar', 'fcc', a=5.3, cubic=True),
        supercell={'matrix': [2, 2, 2]},
        hops={'vacancy': {'mechanism': 'vacancy'}},
        barrier={
            'options': {'n_images': 3},
            'path': {'parameters': {'fmax': 0.02}},
            'reference': {'parameters': {'calculator': {'name': 'lj', 'kwargs': ARGON}, 'processes': 1}},
        },
        diffusivity={
            'options': {
                'mobile': ['Ar'], 'temperatures': [30.0, 50.0],
                'dynamics': {'equilibration_steps': 50, 'production_steps': 400, 'track_every': 2, 'dump_every': 100},
            },
        },
        symbol='Ar',
    )  # fmt: skip


def main() -> None:
    """Run the demo with the toy."""
    from aiida_seimlip.cli.demo import command as demo
    from aiida_seimlip.cli.profile import home

    enter = home.Home.enter

    def enter_and_replace(self: home.Home) -> None:
        enter(self)
        from aiida_seimlip.cli.demo import properties as demo_properties
        from aiida_seimlip.cli.demo import run as run_demo

        run_demo.build_campaign = build_toy
        demo_properties.PLAN = plan_toy()

    home.Home.enter = enter_and_replace  # type: ignore[method-assign]
    demo.cmd_demo(sys.argv[1:])


if __name__ == '__main__':
    main()
