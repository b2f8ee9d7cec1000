"""How long and how many windows have to be, and how undisturbed, before anything is said of them,
or is stopped at."""

WINDOW_SECONDS = 1.0
"""A window lasts at least this long in the fastest cell, where there are steps enough."""

SHORT_SECONDS = WINDOW_SECONDS / 2
"""Windows that are shorter scatter more than they have to."""

JUDGED_SECONDS = 0.1
"""Where half of a cell's windows are shorter, nothing is judged: one time slice of a neighbour is
several percent of them, and what others took, which is told to 10 ms, cannot be seen at all."""

LEAST_WINDOWS = 5
"""Into so many windows the steps of a training are cut, where there are enough."""

JUDGED_PAIRS = LEAST_WINDOWS
"""Of fewer pairs nothing is judged: with two or three, an interval is off by what they happen to
agree by, and is as wide as the whole table where they do not."""

LEAST_PAIRS = 10
"""Before so many, no interval is narrow enough to stop at: few windows may agree by chance."""

ROUND_WINDOWS = 2
"""Windows of a round after the first one, which trains whole: further rounds are there for what
differs from process to process, and a window or two of each tell that."""

MOST_ROUND_WINDOWS = 10
"""Where a precision is asked for and windows of one process differ more than processes do, as many
as these: a start costs more than a window does."""

ROUND_SECONDS = 20.0
"""A further round lasts about this long, by as many windows as it takes. On a machine that is
shared, how two backends compare was seen to change by 6% and to stay so for a minute or three: of
five rounds of 10 s 89% of intervals covered the mean of ten such minutes, of 20 s 98%."""

ROUNDS_FOR_INTERVALS = 5
"""From so many rounds on a round is the unit of a comparison, else a window."""

PROCESS_SPREAD = 0.02
"""What processes of one backend differ by in speed, as a standard deviation: measured between fresh
ones of all backends. Windows of fewer rounds cannot tell it, and their intervals are widened by it.
More rounds that agree better are taken to do so by luck: five in a row see one state of a machine,
and their own t intervals covered the mean of twenty runs 14, 19 and 16 times; so, 18, 19 and 20."""

CPUS_OF_OTHERS = 0.1
"""A window is contended where others, and a hypervisor, took more than this of the CPUs that its
cell may run on: with --threads 1 that is one, and who runs on the others disturbs it little. A
quiet machine's own background takes 0.02 to 0.05, and it is told to 0.01 of a window of a second;
one busy process takes 1. With a thread on every CPU the others wait for the slowest of them, so a
tenth of a CPU may cost a tenth of the rate."""

GROWTH_BYTES = 4 * 2**20
"""A window in which a worker takes more memory than this that it never held before does not count:
the system hands such memory out once, and a virtual machine that has to ask its host for it was
seen to take 1.2 ms for each 2**20 bytes, a tenth of a window for one more step in flight."""

MOST_GROWN = 2
"""So many windows of a process do not count for that. One that goes on to take memory is one that
takes it as it trains, and that is part of how fast it is."""

LEAST_CLEAN = 0.5
"""Contended windows are left out only where at least this share of every pair's windows, and
LEAST_PAIRS of them, were not: else what is left may be the machine's exception."""

MOST_CONTENDED = 0.2
"""Where they cannot be left out, a pair with a larger share of them is not judged. One of five
windows in which something else ran is within what an interval is for."""

STALL = 3.0
"""A window that took this many times the median of its cell's is a stall, and named."""
