"""The pair styles ``mlip``, ``mtp`` and ``mtp/extrapolation``: their arguments, and what the originals say at start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from aiida_seimlip.embedded.external_pair import ExternalPair
from aiida_seimlip.embedded.extrapolation import DEFAULT_THRESHOLD_BREAK, DEFAULT_THRESHOLD_SAVE, Thresholds
from aiida_seimlip.embedded.lammps_library import say
from aiida_seimlip.embedded.models import MtpModel
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

_CONTROL = 'extrapolation_control'
_KEYS = (
    'load_from', _CONTROL, f'{_CONTROL}:threshold_save', f'{_CONTROL}:threshold_break',
    f'{_CONTROL}:save_extrapolative_to', f'{_CONTROL}:add_grade_feature',
)  # fmt: skip
_BOOLEANS = {'true': True, 'True': True, 'TRUE': True, 'false': False, 'False': False, 'FALSE': False}


class PairStyleError(ValueError):
    """A pair style cannot start; the message is what the user gets to read."""


def make_mlip(words: Sequence[str]) -> ExternalPair:
    """Start ``pair_style mlip`` as MLIP-3 does, with its output.

    :param words: ``key=value`` arguments.
    :raises PairStyleError: with the text that MLIP-3 prints, where it fails too.
    """
    say('Wrapper initialization')
    settings = _parse(words)
    name = settings['load_from']
    with_control = _boolean(settings, _CONTROL, default=False)
    say(f'\tcalculate_efs = true\n\t{_CONTROL} = {str(with_control).lower()}\n\tmlip = true\n\tmlip:load_from = {name}')
    if not Path(name).is_file():
        raise PairStyleError(f'ERROR: Can not open file "{name}" for MLIP loading')
    try:
        potential = read_almtp(Path(name))
    except FormatError as error:
        raise PairStyleError(f'ERROR: Error reading .mtp file "{name}"\n       {error}') from error
    say('MLIP type is non-linear MTP')
    thresholds = _thresholds(settings) if with_control else None
    if thresholds is not None:
        _report_control(potential, thresholds, name)
    try:
        pair = ExternalPair(MtpModel(potential, with_grades=with_control), thresholds, dialect='mlip')
    except ValueError as error:
        raise PairStyleError(f'ERROR: {error}') from error
    say('Wrapper initialization complete')
    return pair


def _parse(words: Sequence[str]) -> dict[str, str]:
    """Divide ``key=value`` arguments; MLIP-3 ignores unknown ones, which hides misspelt thresholds."""
    settings: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition('=')
        if not equals or not value:
            raise PairStyleError(f'ERROR: pair_style mlip: `{word}` is not of the form key=value')
        if key not in _KEYS:
            hint = f' Did you mean `{_CONTROL}:{key}`?' if f'{_CONTROL}:{key}' in _KEYS else ''
            raise PairStyleError(f'ERROR: pair_style mlip: unknown key `{key}`.{hint} Known: {", ".join(_KEYS)}')
        settings[key] = value
    if 'load_from' not in settings:
        raise PairStyleError('ERROR: MLIP filename is not specified')
    return settings


def _boolean(settings: dict[str, str], key: str, *, default: bool) -> bool:
    value = settings.get(key)
    if value is not None and value not in _BOOLEANS:
        raise PairStyleError(f'ERROR: settings["{key}"]="{value}" but it is not "TRUE" or "FALSE"')
    return default if value is None else _BOOLEANS[value]


def _thresholds(settings: dict[str, str]) -> Thresholds:
    path = settings.get(f'{_CONTROL}:save_extrapolative_to')
    return Thresholds(
        save=_number('threshold_save', settings.get(f'{_CONTROL}:threshold_save', DEFAULT_THRESHOLD_SAVE)),
        stop=_number('threshold_break', settings.get(f'{_CONTROL}:threshold_break', DEFAULT_THRESHOLD_BREAK)),
        path=None if path is None else Path(path),
        with_feature=_boolean(settings, f'{_CONTROL}:add_grade_feature', default=True),
    )


def _number(name: str, value: str | float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise PairStyleError(f'while parsing option {name}: {value} is not a valid double.')
    return number


def _report_control(potential: MomentTensorPotential, thresholds: Thresholds, name: str) -> None:
    """Print what MLIP-3 prints about its selection state."""
    say(f'Selection: loading state from "{name}"')
    if potential.active_set is None:
        raise PairStyleError('No selection data provided with MLIP')
    weights = potential.active_set.weights
    names = ('energy_weight', 'force_weight', 'stress_weight', 'site_en_weight')
    lines = ['Selection: loaded the following weights:']
    lines += [f'\t{weight} = {weights.get(weight, 0.0):.6f}' for weight in names]
    lines += ['', 'Selection: loading state complete.']
    lines += [f'\tadd_grade_feature = {str(thresholds.with_feature).lower()}']
    lines += [f'\tthreshold_break = {thresholds.stop:.6f}', f'\tthreshold_save = {thresholds.save:.6f}']
    lines += [f'\tsave_extrapolative_to = {thresholds.path}'] if thresholds.path is not None else []
    say('\n'.join(lines))


def make_mtp(words: Sequence[str], *, with_grades: bool) -> ExternalPair:
    """Start ``pair_style mtp`` or ``mtp/extrapolation``.

    :param words: the potential; with grades also the file for saved frames and the two thresholds.
    :param with_grades: whether it is ``mtp/extrapolation``.
    :raises PairStyleError: if arguments are wrong or the potential cannot be used.
    """
    style, count = ('mtp/extrapolation', 4) if with_grades else ('mtp', 1)
    if len(words) != count:
        raise PairStyleError(f'pair_style {style} takes {count} argument(s), not {len(words)}')
    if not Path(words[0]).is_file():
        raise PairStyleError(f'Cannot open the MTP file {words[0]}')
    thresholds = None
    if with_grades:
        save, stop = (_number('threshold', word) for word in words[2:])
        thresholds = Thresholds(save=save, stop=stop, path=Path(words[1]))
    try:
        model = MtpModel(read_almtp(Path(words[0])), with_grades=with_grades)
        return ExternalPair(model, thresholds, dialect='mtp')
    except ValueError as error:
        raise PairStyleError(f'Cannot use the MTP file {words[0]}: {error}') from error
