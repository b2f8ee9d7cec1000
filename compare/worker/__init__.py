"""A worker, from both ends: the process that computes, and the handle that others hold it by.

Begin with `worker.py`, the commands that it answers, a method each; `process.py` starts and asks
one, over `channel.py`, in another interpreter by what `elsewhere.py` tells `bare.py`.
`decoding.py` and `losses.py` make outputs and losses of logits. A worker has to stay light: no
pandas, typer or rich.

May import: `conformance`, `contracts`, `records` (their types alone), `meters`, `spec`.
"""
