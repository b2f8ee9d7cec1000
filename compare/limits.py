"""How long a worker may take for one answer, in seconds: the limits against what hangs."""

HELLO_SECONDS = 60.0
"""To start, and to load an adapter without its framework."""

ANSWER_SECONDS = 900
"""To import a framework, to build, to play a window, unless `run.timeout` says otherwise."""

CHECK_SECONDS = 600.0
"""To make one conformance check, which may compile."""

LONGEST_SECONDS = 1e9
"""More no system can wait for."""
