"""What MLIP-3's program ``mlp`` prints.

An exit code of zero does not mean success: each command says in its last lines whether it came to its end, and some
errors are told on the standard output only. The functions here take the whole text of the standard output and, where it
matters, of the standard error.
"""

from aiida_seimlip.science.formats.mlip3_output.commands import (
    EVALUATION_COMPLETE,
    GRADES_COMPLETE,
    NO_SELECTION_DATA,
    STOP_REASONS,
    TRAINING_COMPLETE,
    MindistOutput,
    SelectOutput,
    TrainOutput,
    parse_grades,
    parse_mindist,
    parse_select,
    parse_train,
)
from aiida_seimlip.science.formats.mlip3_output.endings import find_error, parse_break, was_aborted
from aiida_seimlip.science.formats.mlip3_output.report import ErrorBlock, ErrorsReport, parse_errors_report

__all__ = [
    'EVALUATION_COMPLETE', 'GRADES_COMPLETE', 'NO_SELECTION_DATA', 'STOP_REASONS', 'TRAINING_COMPLETE', 'ErrorBlock',
    'ErrorsReport', 'MindistOutput', 'SelectOutput', 'TrainOutput', 'find_error', 'parse_break', 'parse_errors_report',
    'parse_grades', 'parse_mindist', 'parse_select', 'parse_train', 'was_aborted',
]  # fmt: skip
