"""Several processes that train one model, held as one: a cell of ranks.

Begin with `processes.py`, which asks all ranks, or the first of them, what the conductor asks of a
cell, and ends them all where one cannot go on; `answers.py` makes one answer of theirs, `counts.py`
reads how many ranks are asked for, and whether there are CPUs and rows for them, `causes.py` tells
which of the known mistakes ranks make.
What a rank itself does is in `compare/worker/shares.py` and `compare/worker/summing.py`.

May import: `worker`, and what is below it.
"""
