"""How long a worker may take for one answer, in seconds; what a run may set is `run.timeout`."""

HELLO_SECONDS = 60.0
"""To start, and to load an adapter without its framework."""

OPEN_SECONDS = 300.0
"""To import a framework, where no run says how long."""

CHECK_SECONDS = 600.0
"""To run every conformance check."""
