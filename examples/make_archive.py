"""Make the archive that the tutorial on replays begins with: ``python examples/make_archive.py FOLDER``.

A campaign for one cell of Li2CO3 with labels by GFN1-xTB, so small that it runs in two minutes: enough to see how
everything works, not enough for a potential that is of use. FOLDER gets an AiiDA profile of its own and the archive.
"""

import sys
from pathlib import Path

from aiida_seimlip.cli.profile.home import Home

DYNAMICS = {'ensemble': 'nvt', 'timestep': 0.5, 'n_steps': 400, 'dump_every': 20, 'thermo_every': 100}
OVERRIDES = {
    'options': {
        'seed': 7, 'max_iterations': 3, 'max_labels': 60,
        'untrained': {'level': 6, 'min_dist': 1.0, 'max_dist': 4.5},
        'bootstrap': {
            'n_perturbed': 12, 'temperatures': [100.0, 300.0, 600.0, 900.0],
            'dynamics': {'temperatures': [300.0], 'n_steps': 40, 'sample_every': 10},
        },
        'exploration': {'conditions': [{**DYNAMICS, 'temperature': 300.0}]},
        'filters': {'max_grade': 5000.0},
        'selection': {'max_frames': 8, 'max_frames_per_exploration': 8},
        'held_out': {'n_frames': 5, 'conditions': [{**DYNAMICS, 'temperature': 100.0, 'n_steps': 200}]},
    },
    'reference': {'parameters': {'processes': 1}},
    'training': {'parameters': {'iteration_limit': 40, 'extra_options': {'threads': 1}}},
}  # fmt: skip


def main(folder: Path) -> None:
    home = Home(folder / '.aiida', profile='example')
    home.enter()
    from aiida.engine import run_get_node

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.exchange.archive.contents import survey
    from aiida_seimlip.exchange.archive.writer import write_archive
    from aiida_seimlip.science.structures.crystals import li2co3
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    home.load_profile(print)
    codes = home.setup_codes(print)
    builder = ActiveLearningWorkChain.get_builder_from_protocol(
        {'reference': codes['python'], 'training': codes['seimlip-mlp'], 'exploration': codes['seimlip-lmp']},
        {'crystal': FramesData.from_atoms([li2co3()])}, species=['Li', 'C', 'O'], protocol='demo', overrides=OVERRIDES,
    )  # fmt: skip
    builder.metadata.label = 'li2co3-example'
    _, node = run_get_node(builder)
    print(f'{node.process_label} ended with status {node.exit_status}. {node.exit_message or ""}')
    path = write_archive(survey(node, slim=True), folder / 'li2co3.aiida', overwrite=True)
    print(f'Wrote {path}: {path.stat().st_size / 1e6:.2f} MB.')


if __name__ == '__main__':
    main(Path(sys.argv[1]).absolute())
