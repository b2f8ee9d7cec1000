"""The process that conducts: it plays plans with workers, and writes down what happens.

Begin with `jobs.py` (a run, a sweep, a suite, or what is missing of one); `conductor.py` plays the
rounds of a run in lockstep, `round.py` one round, a fresh process for each cell, in the order of
`turns.py`.
`validation.py` asks for losses and outputs on the validation split, `echo.py` trains the gate's
echo, `resumption.py` tells what of an earlier run still counts. `course.py` knows how far it all
has come, and `progress.py` shows it.
`audit.py`, `checking.py` and `generation.py` play single cells for the commands of these names.

May import: `planning`, `archive`, and what is below them.
"""
