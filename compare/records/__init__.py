"""What a run leaves behind: record types, folders of runs and of several, and reading them raw.

Begin with `record_types.py`, made of `values.py`; `run_folder.py`, `sweep_folder.py` and
`suite_folder.py` say what lies where, `run_folders.py` finds them, `place.py` says whether there is
room. `reading.py` takes whatever can still be read of a folder, `merging.py` makes one run of
several, `differences.py` says in words in what two of them differ.

May import: `spec`, and the ground.
"""
