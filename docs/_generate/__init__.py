"""Parts of the reference that are made from the code whenever the docs are built, so that they cannot go stale."""

from __future__ import annotations

from pathlib import Path

from _generate import command_line, options, processes


def write_all(folder: Path) -> None:
    """Write all generated parts; files that would not change are left alone, so that Sphinx need not read them again.

    :param folder: where to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        'options': options.describe_options(),
        'protocols': options.describe_protocols(),
        'calculators': options.describe_calculators(),
        'calculator_runs': options.describe_calculator_runs(),
        'calculations': processes.describe_calculations(),
        'engines': processes.describe_engines(),
        'campaign': processes.describe_campaign(),
        'properties': processes.describe_properties(),
        'check': processes.describe_check(),
        'check_report': options.describe_check_report(),
        'history': options.describe_history(),
        'barriers': options.describe_barriers(),
        'transport': options.describe_transport(),
        'starts': options.describe_starts(),
        'sei': options.describe_sei(),
        'comparisons': options.describe_comparisons(),
        'side_by_side': options.describe_side_by_side(),
        'crystals': options.describe_crystals(),
        'calibration': options.describe_calibration(),
        'distillation': options.describe_distillation(),
        'interfaces': options.describe_interfaces(),
        'field': options.describe_field(),
        'command_line': command_line.describe_command_line(),
        'embedded_programs': command_line.describe_embedded_programs(),
    }
    for name, text in pages.items():
        path = folder / f'{name}.md'
        if not path.exists() or path.read_text(encoding='utf-8') != text:
            path.write_text(text, encoding='utf-8')
