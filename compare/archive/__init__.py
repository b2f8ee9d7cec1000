"""Runs as they lie in folders, for whoever looks at several: found, summed up, tabulated.

Begin with `stored.py`, the summary that is kept beside a run's records. `run_folders.py` finds
runs, `brief.py` reads the few figures that lists show, `history.py` puts them in the order of time,
`tidy.py` and `frame.py` make tables; `json_schemas.py` describes the files to other programs.

May import: `findings` and what is below it.
"""
