"""How many steps a window has."""

from math import ceil

from compare.findings.window_thresholds import LEAST_WINDOWS, WINDOW_SECONDS


def window_steps(paces: list[float], steps: int) -> int:
    """Steps per window, the untimed one included, for cells of these seconds per step.

    As many as last WINDOW_SECONDS in the fastest cell; fewer where `steps` would not give
    LEAST_WINDOWS of them; 0 where there is no room for a window at all.
    """
    if steps < 2 or not paces:
        return 0
    wanted = 1 + ceil(WINDOW_SECONDS / max(min(paces), 1e-9))
    return max(2, min(wanted, steps // LEAST_WINDOWS))
