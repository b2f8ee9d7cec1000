"""From what users have - files, tables, folders of classes, data sets of a hub - to texts and rows.

Begin with `rows.py` (rows of columns) or `stream.py` (one long text, tokenised): for tasks.
`source.py`, `plain.py`, `lines.py` and `tables.py` read each form, `files.py` what is compressed,
`hub.py` data sets, `classes.py` folders of classes; `split.py` draws the rows that are kept to
validate on; `bad_rows.py` has what cannot be used.

May import: `text`, `spec`, and the ground.
"""
