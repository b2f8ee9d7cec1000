"""From records to what can be said of them: all pure, nothing is read, written or started here.

Begin with `summary.py`, which puts together what the others find of a run: `cells.py` (the records
of one backend) and `cell_summary.py` (its figures), `parity.py` (when curves agree) and `gate.py`
(whether these do), `speed.py` (who is faster), `contention.py` (whose machine it was), `doubts.py`
(what cannot be judged), `notes.py` and `machine_notes.py` (what a reader should know first).

`window_thresholds.py` has what is asked of windows before they are believed, `number_text.py` how
figures are written.

May import: `records`, `stats`, `meters`, `spec`, and the ground.
"""
