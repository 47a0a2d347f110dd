"""When a program has to stop by itself, so that the scheduler need not kill it."""

from __future__ import annotations


def time_limit(wallclock_seconds: int | None) -> float | None:
    """Return how long a program may run before it stops by itself and saves what it has.

    :param wallclock_seconds: the wall time of the job in s, None for no limit.
    :return: the wall time less 5 %, at least 5 s and at most 2 min, but never less than half of it; in s.
    """
    if wallclock_seconds is None:
        return None
    margin = min(max(0.05 * wallclock_seconds, 5.0), 120.0)
    return max(wallclock_seconds - margin, 0.5 * wallclock_seconds)
