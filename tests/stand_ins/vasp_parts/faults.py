"""Faults by rules, from the JSON file that the environment variable `VARIABLE` names.

The file holds ``{"calculator": {"name": ..., "kwargs": {...}}, "faults": [{"fault": ..., ...}, ...]}``. A rule may have

* ``match``: ``formula`` (as ASE writes it), ``volume`` (Å³, to 0.01), ``index`` (of this run among all with these
  rules, from 0), ``incar`` (values of tags; null: the tag is not set); all of them have to agree,
* ``unless``: values of tags of INCAR; one that agrees cures the fault, as after the change that a handler makes,
* ``times``: how many runs it strikes, all if it is left out,
* what the fault itself takes: ``seconds`` of sleep, the ionic ``step`` (from 1) at which it strikes.

What has happened is counted in a folder beside the file, ``<name>.state``, under a lock, as many runs may go on at
once; ``runs.jsonl`` in it has a line for each run.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .inputs import Inputs

VARIABLE = 'SEIMLIP_VASP_STAND_IN'

FAULTS = frozenset(
    """nelm killed out_of_memory truncated_vasprun elements_out_of_order no_output zbrent eddrmm edddav brmix disk_full
    hang no_vtst""".split()
)


def load_rules() -> tuple[Path | None, dict[str, Any]]:
    """Return the file with the rules and what it holds; without the variable, nothing fails.

    :raises SystemExit: if the file asks for a fault that there is not.
    """
    if not os.environ.get(VARIABLE):
        return None, {}
    path = Path(os.environ[VARIABLE])
    rules = json.loads(path.read_text(encoding='utf-8'))
    unknown = {rule['fault'] for rule in rules.get('faults', [])} - FAULTS
    if unknown:
        raise SystemExit(f'The stand-in for VASP has no fault {sorted(unknown)}.')
    return path, rules


def choose_fault(path: Path | None, rules: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    """Return the first rule that strikes this run, or none, and count it."""
    if path is None:
        return {}
    with _state(path) as state:
        index = state['runs']
        state['runs'] += 1
        chosen: dict[str, Any] = {}
        for number, rule in enumerate(rules.get('faults', [])):
            struck = state['struck'].get(str(number), 0)
            if struck < rule.get('times', struck + 1) and _matches(rule, inputs, index):
                state['struck'][str(number)] = struck + 1
                chosen = rule
                break
        record = {
            'index': index, 'fault': chosen.get('fault'), 'formula': formula(inputs.symbols),
            'volume': inputs.volume, 'nsw': inputs.tags['NSW'], 'scaled': inputs.scaled.round(8).tolist(),
            'folder': os.getcwd(),
        }  # fmt: skip
        with (state_folder(path) / 'runs.jsonl').open('a', encoding='utf-8') as handle:
            handle.write(json.dumps(record) + '\n')
        return chosen


def state_folder(path: Path) -> Path:
    """Return the folder in which the runs with these rules are counted."""
    return path.with_name(f'{path.name}.state')


@contextmanager
def _state(path: Path) -> Iterator[dict[str, Any]]:
    """Give the counts to one process at a time, and store them."""
    folder = state_folder(path)
    folder.mkdir(exist_ok=True)
    with (folder / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        counts = folder / 'counts.json'
        state = json.loads(counts.read_text()) if counts.exists() else {'runs': 0, 'struck': {}}
        yield state
        counts.write_text(json.dumps(state))


def _matches(rule: dict[str, Any], inputs: Inputs, index: int) -> bool:
    """Return whether a rule is meant for this run."""
    match = rule.get('match', {})
    if any(_agrees(inputs, tag, value) for tag, value in rule.get('unless', {}).items()):
        return False
    return (
        match.get('index', index) == index
        and match.get('formula', formula(inputs.symbols)) == formula(inputs.symbols)
        and abs(match.get('volume', inputs.volume) - inputs.volume) < 0.01
        and all(_agrees(inputs, tag, value) for tag, value in match.get('incar', {}).items())
    )


def _agrees(inputs: Inputs, tag: str, value: Any) -> bool:
    """Compare the value of a tag in INCAR, texts without regard to the case."""
    given = inputs.incar.get(tag.upper())
    return str(given).casefold() == str(value).casefold() if isinstance(value, str) else given == value


def formula(symbols: list[str]) -> str:
    """Return the formula in the order of Hill."""
    counts = {symbol: symbols.count(symbol) for symbol in symbols}
    first = [symbol for symbol in ('C', 'H') if 'C' in counts and symbol in counts]
    order = first + sorted(set(counts) - set(first))
    return ''.join(symbol + (str(counts[symbol]) if counts[symbol] > 1 else '') for symbol in order)
