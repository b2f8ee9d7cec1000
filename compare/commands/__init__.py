"""The command line: one file per command, in the command's own name.

Begin with `run.py`, the main job. `options.py` has what several commands take, `completion.py` what
a shell completes of it, `start.py` the page of the command alone, `ending.py` what is printed at
the end and the exit codes, `tables.py` how tables are printed.

May import: every room.
"""
