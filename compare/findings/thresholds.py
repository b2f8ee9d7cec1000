"""How long and how many windows have to be before anything is said of them, or is stopped at."""

WINDOW_SECONDS = 1.0
"""A window lasts at least this long in the fastest cell, where there are steps enough."""

SHORT_SECONDS = WINDOW_SECONDS / 2
"""Windows that are shorter are too short for rates to be trusted."""

LEAST_WINDOWS = 5
"""Into so many windows the steps of a training are cut, where there are enough."""

LEAST_PAIRS = 10
"""Before so many, no interval is narrow enough to stop at: few windows may agree by chance."""

ROUND_WINDOWS = 2
"""Windows of a round after the first one, which trains whole: further rounds are there for what
differs from process to process, and a window or two of each tell that."""

ROUNDS_FOR_INTERVALS = 5
"""From so many rounds on a round is the unit of a comparison, else a window."""
