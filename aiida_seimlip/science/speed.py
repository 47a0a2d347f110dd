"""How fast molecular dynamics ran, in the two units that people compare."""

from __future__ import annotations

SECONDS_PER_DAY = 86_400.0
FS_PER_NS = 1e6


def ns_per_day(n_steps: float, seconds: float | None, *, timestep_fs: float) -> float | None:
    """Return the time that is simulated in a day of wall time, in ns.

    :param n_steps: that were done.
    :param seconds: of wall time, None if it is not known.
    :param timestep_fs: in fs.
    :return: None if there is nothing to reckon with.
    """
    if not seconds or not n_steps:
        return None
    return n_steps * timestep_fs / FS_PER_NS * SECONDS_PER_DAY / seconds


def atom_steps_per_second(n_atoms: int, n_steps: float, seconds: float | None) -> float | None:
    """Return atoms times steps per second of wall time.

    :param n_atoms: number of atoms.
    :param n_steps: that were done.
    :param seconds: of wall time, None if it is not known.
    :return: None if there is nothing to reckon with.
    """
    if not seconds or not n_steps:
        return None
    return n_atoms * n_steps / seconds
