"""Parser of ``mlp calculate_grade``."""

from __future__ import annotations

import re

import numpy as np
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.parsers.mlip3_base import Mlip3Parser, OutputError


class Mlip3GradeParser(Mlip3Parser):
    """Attach the grades to the frames that they belong to."""

    COMPLETE = re.compile(r'^Grade evaluation complete\s*$', re.MULTILINE)

    def parse_job(self) -> None:
        """Attach the frames with their grades."""
        self.check_completion()
        frames = self.node.inputs.frames.get_frames(trace=True)
        grades = self.read_all_configurations(frames).grades
        if grades is None or not np.isfinite(grades).all():
            raise OutputError('ERROR_OUTPUT_MISMATCH', reason=f'`{self.job.OUTPUT_FILE}` lacks grades.')
        self.out('graded', FramesData(frames.replace(grades=grades)))
        self.out('results', orm.Dict({
            'highest_grade': float(grades.max()), 'grades': grades.tolist(), 'output_files': list(self.read_output()),
        }))  # fmt: skip
