"""The parser of ``seimlip.md.explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.ase_exploration import AseExplorationOptions
from aiida_seimlip.parsers.candidates import gather_candidates
from aiida_seimlip.parsers.md import OUTCOMES, MdFiles, MdParser, read_records, to_frames
from aiida_seimlip.parsers.method import energy_kind_of, method_of
from aiida_seimlip.science.frames import Frames


class MdExploreParser(MdParser):
    """Attach all that a graded run left behind, however it ended."""

    def parse_more(self, folder: Path, files: MdFiles, trajectory: Frames, start: Frames) -> dict[str, Any]:
        """Attach the candidates, and return what there is to say of them and of the grades."""
        job: Any = self.node.process_class
        options = AseExplorationOptions.from_node(self.node.inputs.parameters)
        records = read_records(folder / job.CANDIDATES_FILENAME)
        outcome = OUTCOMES.get(str(files.end.get('status')), 'interrupted')
        saved = to_candidates(records, start) if len(records) else Frames.empty()
        candidates = gather_candidates(saved, trajectory, options, outcome, start.numbers)
        if len(candidates.frames):
            method, kind = method_of(self.node, options.calculator), energy_kind_of(files.end.get('energy_property'))
            self.out('candidates', FramesData(candidates.frames.computed_by(method, kind)))
        scale = self.node.inputs.potential.deviation_scale
        return {
            'highest_grade': highest_grade(files, saved), 'n_candidates': len(candidates.frames), **candidates.counts,
            'breaking_index': candidates.breaking_index, 'deviation_scale': 1.0 if scale is None else scale,
        }  # fmt: skip


def highest_grade(files: MdFiles, saved: Frames) -> float | None:
    """Return the highest grade in eV/Å that is known of, None if there is none.

    :param files: of the run; one that was killed outright has not said it.
    :param saved: frames above the threshold.
    """
    told = files.end.get('highest_grade')
    columns = files.thermo.dtype.names or ()
    grades = np.concatenate([
        [np.nan if told is None else told], [] if saved.grades is None else saved.grades,
        files.thermo['grade'] if 'grade' in columns else [],
    ])  # fmt: skip
    known = grades[np.isfinite(grades)]
    return float(known.max()) if known.size else None


def to_candidates(records: np.ndarray, start: Frames) -> Frames:
    """Return the frames above the threshold, with their grades, and with what the committee predicts of them.

    :param records: as the script wrote them.
    :param start: the frame that the run started from.
    """
    return to_frames(records, start).replace(grades=records['grade'])
