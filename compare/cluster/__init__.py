"""A sweep's points on many machines, by whatever starts processes there.

Begin with `contract.py`: an engine has stages, each a machine that nothing else uses meanwhile.
`spread.py` gives each free stage the next point and gathers what comes back, `loading.py` finds the
engine that was asked for. On a stage `here.py` plays a point in a process of its own; `packing.py`
is how a run folder travels.

May import: `running`, and what is below it.
"""
