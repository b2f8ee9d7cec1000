"""Built-in backends: one folder per framework, none of them known to the core by name."""
