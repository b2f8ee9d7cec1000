"""From what was asked for to what will be played: settings, cells, data, weights, points.

Begin with `plan.py`: a `Plan` is everything that is decided before the first worker trains.
`overrides.py` lays settings over each other, `spelling.py` reads how adapters are written,
`survey.py` asks backends who they are, `interpreter.py` why a Python cannot be asked,
`selection.py` chooses cells of them, `devices.py` a device for each, `sweeps.py` makes the points
of a sweep.

May import: `worker`, `contracts`, `findings`, and what is below them.
"""
