"""What is measured of a machine and of a process while it computes, and what a model should cost.

Begin with `window.py`, all that is metered around one timed window. `machine.py` describes the
machine, `threads.py` which CPUs of it may be used; `contention.py` and `processes.py` tell what
others use of them; `roofline.py` measures what it can do; `cost.py` reckons what an experiment asks
of it.

May import: `spec`, and the ground.
"""
