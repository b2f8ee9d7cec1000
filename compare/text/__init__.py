"""From text as users have it to arrays of token ids: sources, tables, tokenisers, padded batches.

Begin with `stream.py` (one long text) or `rows.py` (rows of columns), which read what a task is
given; `tokens.py` has the tokenisers, `padded.py` makes batches of sequences of many lengths.

May import: `spec`, and the ground.
"""
