"""Parser of ``mlp calculate_efs``."""

from __future__ import annotations

import re

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.parsers.mlip3_base import Mlip3Parser, OutputError, plain
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.frames import predicted_by


class Mlip3EvaluateParser(Mlip3Parser):
    """Attach the predictions to the frames that they belong to."""

    COMPLETE = re.compile(r'^EFS calculation complete\s*$', re.MULTILINE)

    def parse_job(self) -> None:
        """Attach the frames with the predictions, and the errors if there are labels to compare with."""
        self.check_completion()
        frames = self.node.inputs.frames.get_frames(trace=True)
        predicted = self.read_all_configurations(frames)
        if not predicted.is_evaluated.all():
            raise OutputError('ERROR_OUTPUT_MISMATCH', reason=f'`{self.job.OUTPUT_FILE}` lacks energies or forces.')
        arrays = {name: getattr(predicted, name) for name in ('energies', 'forces', 'stresses')}
        evaluated = frames.without_labels().replace(**arrays)
        evaluated = evaluated.computed_by(predicted_by(self.node.inputs.potential.uuid), 'free')
        self.out('evaluated', FramesData(evaluated))
        if frames.is_labelled:
            self.out('errors', orm.Dict(plain(compute_errors(frames, evaluated))))
