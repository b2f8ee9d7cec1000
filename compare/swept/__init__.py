"""What the points of a sweep say together, beyond each by itself.

Begin with `seeds.py`, how far seeds move what was found; `weak.py` is weak scaling. `finished.py`
tells from a run's records whether it is done, `standing.py` where a whole sweep stands.

May import: `findings` and what is below it.
"""
