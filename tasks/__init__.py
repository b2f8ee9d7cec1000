"""Built-in tasks: one file per task, corpora in `data/`."""
