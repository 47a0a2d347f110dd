"""Parser of ``mlp select_add``."""

from __future__ import annotations

import re

import numpy as np
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.parsers.mlip3_base import Mlip3Parser, OutputError
from aiida_seimlip.science.formats.mlip3_output import parse_select


class Mlip3SelectParser(Mlip3Parser):
    """Attach the candidates that were selected, as they were given: in full precision, with their grades and origin."""

    COMPLETE = re.compile(r'^Training set was increased by \d+ configurations', re.MULTILINE)

    def parse_job(self) -> None:
        """Attach the selected candidates and which they are."""
        self.check_completion()
        candidates = self.node.inputs.candidates.get_frames(trace=True)
        _, indices = self.read_configurations(candidates)
        expected = parse_select(self.stdout).n_selected
        if indices.size != expected:
            reason = f'`{self.job.OUTPUT_FILE}` holds {indices.size} configurations, but {expected} were selected.'
            raise OutputError('ERROR_OUTPUT_MISMATCH', reason=reason)
        indices = np.sort(indices)
        self.out('selected', FramesData(candidates[indices]))
        self.out('results', orm.Dict({'n_selected': int(indices.size), 'indices': indices.tolist()}))
