"""Several runs at once: found in their folders, summed up, tabulated, held against each other.

Begin with `stored.py`, the summary that is kept beside a run's records. `run_folders.py` finds
runs, `brief.py` reads the few figures that lists show, `history.py` puts them in the order of time,
and `trends.py` says what is news in that; `interim.py` sums up a run that is still played.
`together.py` reads what one report shows, `across.py` is the table of several experiments, which
`experiments.py` tells apart. `tidy.py` and `frame.py` make tables, `diff.py` holds two runs against
each other, read by `diff_folders.py`; `scaling.py` fits exponents to a sweep; `json_schemas.py`
describes the files to other programs.

May import: `findings` and what is below it.
"""
