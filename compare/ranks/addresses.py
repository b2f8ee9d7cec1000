"""Where ranks find each other, and what would lead them astray."""

import os
import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"

_given: set[str] = set()  # by this process, to ranks that may not have taken them yet


def free_addresses(count: int) -> list[str]:
    """As many "host:port" that nobody listens at now, and that were not given before."""
    found = list[str]()
    with ExitStack() as stack:
        while len(found) < count:
            end = stack.enter_context(socket.socket())
            end.bind((LOOPBACK, 0))
            address = f"{LOOPBACK}:{end.getsockname()[1]}"
            if address not in _given:
                found.append(address)
                _given.add(address)
    return found


def proxies() -> set[str]:
    """Variables that would send ranks through a proxy to each other: JAX hangs with them."""
    return {name for name in os.environ if name.lower().endswith("_proxy")}
