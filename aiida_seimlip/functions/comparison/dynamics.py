"""Speeds and structure of short dynamics with several models."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from scipy.stats import t

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.comparison.quantities import make_quantity
from aiida_seimlip.functions.transport.structure import store_rdf
from aiida_seimlip.options.comparison.compare import CompareOptions
from aiida_seimlip.options.comparison.results import QuantityRecord, ValueRecord
from aiida_seimlip.options.transport.structure import RdfOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.seeds import derive_seed

REFERENCE = 'reference'
"""Name of the frames of the reference among radial distributions; no model may have it."""
SECONDS_PER_DAY = 86_400.0
SPEEDS = (
    ('ns_per_day', 'simulated time', 'ns/day'), ('atom_steps_per_second', 'atom-steps', '1/s'),
)  # fmt: skip


@calcfunction
def plan_runs(options: orm.Dict, names: orm.List, **engines: Any) -> dict[str, orm.Dict]:
    """Return the parameters of each run, as `DynamicsOptions` with what the engine knows besides.

    All models have the same velocities at the start.

    :param options: as `CompareOptions`, with `dynamics`.
    :param names: of the models.
    :param engines: ``parameters`` of the engine of a model, by its name, where there are any.
    :return: by model and number of the repeat, such as ``grown_r0``.
    """
    settings = CompareOptions.from_node(options)
    assert settings.dynamics is not None
    planned = {}
    for name in names.get_list():
        parameters = engines[name]['parameters'].get_dict() if name in engines else {}
        for repeat in range(settings.dynamics.repeats):
            seed = derive_seed(settings.seed, zlib.crc32(b'dynamics'), repeat)
            planned[f'{name}_r{repeat}'] = orm.Dict({**parameters, **settings.dynamics.run(seed)})
    return planned


@calcfunction
def find_distributions(options: orm.Dict, **groups: Any) -> orm.ArrayData:
    """Return the radial distributions of the runs of each model, and of frames of the reference.

    :param options: as `CompareOptions`, with `dynamics` and `rdf`.
    :param groups: ``models``: for each its trajectories, by name; ``reference``: sets of frames, by name.
    :return: arrays of `store_rdf` with the name of the model, or ``reference``, before; attributes likewise.
    """
    settings = CompareOptions.from_node(options)
    assert settings.dynamics is not None and settings.rdf is not None
    frames = {
        name: Frames.concatenate(_late(node, settings.dynamics.equilibration_steps) for _, node in sorted(runs.items()))
        for name, runs in groups.get('models', {}).items()
    }  # fmt: skip
    if 'reference' in groups:
        frames[REFERENCE] = Frames.concatenate(node.get_frames() for _, node in sorted(groups['reference'].items()))
    node = orm.ArrayData()
    for name, part in frames.items():
        if len(part):
            _store(node, name, part, settings.rdf)
    return node


def _late(trajectory: FramesData, equilibration_steps: int) -> Frames:
    """Return the frames of a trajectory after the equilibration."""
    frames = trajectory.get_frames()
    steps = frames.origin_steps
    if steps is None:
        raise ValueError(f'The frames of the trajectory {trajectory.uuid} do not tell their MD step.')
    return frames[steps >= equilibration_steps]


def _store(node: orm.ArrayData, name: str, frames: Frames, options: RdfOptions) -> None:
    from aiida_seimlip.science.analysis.bonds import element_kinds, role_kinds
    from aiida_seimlip.science.analysis.rdf import radial_distribution

    chosen = frames[:: options.every]
    by_role = options.kinds == 'role'
    kinds = role_kinds(chosen, tolerance=options.tolerance) if by_role else element_kinds(chosen)
    known = None if options.pairs is None else [pair for pair in options.pairs if set(pair) <= set(kinds.names)]
    found = store_rdf(
        radial_distribution(
            chosen, kinds=kinds, pairs=known, cutoff=options.cutoff, bin_width=options.bin_width,
            n_blocks=options.n_blocks,
        )
    )  # fmt: skip
    for key in found.get_arraynames():
        node.set_array(f'{name}_{key}', found.get_array(key))
    node.base.attributes.set(name, {key: found.base.attributes.get(key) for key in ('pairs', 'n_frames', 'n_blocks')})


def structure_quantities(
    rdf: orm.ArrayData, models: Sequence[str], reference: str | None, confidence: float
) -> Iterator[QuantityRecord]:
    """Yield the first shell of each pair, and how far g(r) is from that of the reference.

    :param rdf: of `find_distributions`.
    :param models: names in it.
    :param reference: name of the model that is one; frames of the reference come before it.
    :param confidence: of the intervals of differences.
    """
    source = REFERENCE if REFERENCE in rdf.base.attributes.all else reference
    known = {name: rdf.base.attributes.get(name, None) for name in (*models, REFERENCE)}
    pairs = {name: {pair['key']: pair for pair in found['pairs']} for name, found in known.items() if found}
    shown = [name for name in models if name in pairs and name != source]
    for key in dict.fromkeys(key for name in shown for key in pairs[name]):
        head = next(pairs[name][key] for name in shown if key in pairs[name])
        facts: dict[str, Any] = {'part': 'structure', 'of': f'{head["centre"]}–{head["neighbour"]}'}
        shells = {name: found[key]['shell'] for name, found in pairs.items() if found.get(key, {}).get('shell')}
        for quantity, name, unit, error in (
            ('peak', 'first peak of g(r)', 'Å', None), ('coordination', 'coordination', '', 'coordination_error'),
        ):  # fmt: skip
            values = {
                model: ValueRecord(value=shell[quantity], error=None if error is None else shell[error])
                for model, shell in shells.items()
            }  # fmt: skip
            reference_value = values.get(source or '')
            of_models = {model: value for model, value in values.items() if model in shown}
            if of_models:
                yield make_quantity(
                    of_models, 'reference', confidence=confidence, reference=reference_value, key=f'rdf_{quantity}',
                    name=name, unit=unit, **facts,
                )  # fmt: skip
        if source in pairs and key in pairs[source]:
            expected = rdf.get_array(f'{source}_{key}_g')
            deviations = {
                model: ValueRecord(value=float(np.sqrt(np.mean((rdf.get_array(f'{model}_{key}_g') - expected) ** 2))))
                for model in shown if key in pairs[model]
            }  # fmt: skip
            yield make_quantity(
                deviations, 'lowest', confidence=confidence, key='rdf_rms', name='g(r), RMS deviation', **facts
            )


def speed_quantities(
    runs: Mapping[str, Sequence[Mapping[str, Any]]], timestep: float, n_atoms: int, confidence: float
) -> Iterator[QuantityRecord]:
    """Yield simulated time in a day, and atoms times steps in a second of wall time.

    With several runs of a model, intervals of differences are those of Welch's test (B. L. Welch, Biometrika 34, 28
    (1947)).

    :param runs: the output `results` of each run of each model that came to its end.
    :param timestep: in fs.
    :param n_atoms: of the cell.
    :param confidence: of the intervals of differences.
    """
    rates = {name: np.array([seconds_per_step(one) for one in results]) for name, results in runs.items() if results}
    factors = {'ns_per_day': SECONDS_PER_DAY * timestep * 1e-6, 'atom_steps_per_second': float(n_atoms)}
    for key, name, unit in SPEEDS:
        speeds = {model: factors[key] / seconds for model, seconds in rates.items()}
        values = {
            model: ValueRecord(value=float(one.mean()), error=_standard_error(one)) for model, one in speeds.items()
        }
        if values:
            yield make_quantity(
                values, 'highest', confidence=confidence, half_width=partial(_welch_width, speeds, confidence),
                key=key, name=name, unit=unit, part='speed',
            )  # fmt: skip


def seconds_per_step(results: Mapping[str, Any]) -> float:
    """Return the wall time that a step took in s.

    :param results: of a run, with `loop_seconds` and `n_steps`.
    """
    return float(results['loop_seconds']) / int(results['n_steps'])


def _standard_error(values: np.ndarray) -> float | None:
    return None if values.size < 2 else float(values.std(ddof=1) / np.sqrt(values.size))


def _welch_width(speeds: Mapping[str, np.ndarray], confidence: float, one: str, other: str) -> float | None:
    """Return half of the width of the interval of the difference of two means; None if a model has one run."""
    samples = speeds[one], speeds[other]
    if min(sample.size for sample in samples) < 2:
        return None
    parts = [float(sample.var(ddof=1)) / sample.size for sample in samples]
    if not sum(parts):
        return 0.0
    freedom = sum(parts) ** 2 / sum(part**2 / (sample.size - 1) for part, sample in zip(parts, samples, strict=True))
    return float(t.ppf(0.5 + 0.5 * confidence, freedom) * np.sqrt(sum(parts)))
