"""What the reports on diffusivities and conductivities have in common."""

from __future__ import annotations

from collections.abc import Iterator

from aiida_seimlip.options.transport.diffusivity import TransportEngines
from aiida_seimlip.options.transport.results import ConductivityResults, DiffusivityResults
from aiida_seimlip.report import words
from aiida_seimlip.report.expected import describe_expected
from aiida_seimlip.report.property import PropertyFacts, known


def doubts_of_transport(
    facts: PropertyFacts, results: DiffusivityResults | ConductivityResults | None
) -> Iterator[str]:  # fmt: skip
    """Say what a reader must know before using the numbers: of the process, and of each temperature.

    :param facts: about the process.
    :param results: what it found, None if there is nothing.
    """
    yield from facts.doubts()
    yield from facts.notes
    inputs = facts.inputs_of(facts.node)
    potential, engines = inputs.get('potential'), TransportEngines.from_node(inputs.get('engines'))  # type: ignore[arg-type]
    is_other = potential is not None and potential.family != 'mtp'
    if is_other and engines.dynamics == 'lammps' and 'parity' not in facts.outputs:
        yield 'whether the program computes what the potential says was not looked at: see the input `evaluation`'
    if results is None:
        return
    if results.message:
        yield results.message
    yield from results.warnings
    for point in results.points:
        for flag in point.flags:
            yield f'{point.temperature:g} K: {flag}'
        if point.share_above_threshold:
            yield (
                f'{point.temperature:g} K: {words.share(point.share_above_threshold)} of the frames are out of the '
                f"potential's domain, with grades up to {words.grade(known(point.highest_grade))}; "
                f'{describe_expected(point.expected_force_error)}'
            )
