"""The table across experiments: what it says in `blocks.py`, and a file for each medium."""
