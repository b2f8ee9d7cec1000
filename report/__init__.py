"""Built-in report formats: one file per format, all of the same summary."""
