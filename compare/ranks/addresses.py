"""Where ranks find each other, and what would lead them astray."""

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

LOOPBACK = "127.0.0.1"


class Place(NamedTuple):
    """Where a rank runs: the `host` by which the others find it, and what its command begins with
    so that it runs there."""

    host: str = LOOPBACK
    command: tuple[str, ...] = ()


_given: set[str] = set()  # by this process, to ranks that may not have taken them yet


def free_addresses(places: Sequence[Place]) -> list[str]:
    """Of each place a "host:port" that nobody listens at here now, and that was not given
    before."""
    found = list[str]()
    with ExitStack() as stack:
        while len(found) < len(places):
            end = stack.enter_context(socket.socket())
            end.bind((LOOPBACK, 0))
            address = f"{places[len(found)].host}:{end.getsockname()[1]}"
            if address not in _given:
                found.append(address)
                _given.add(address)
    return found


def is_taken(address: str) -> bool:
    """Whether somebody listens at a "host:port" of this machine; what becomes of frameworks then
    is not told alike: one of them dies without a word."""
    host, _, port = address.rpartition(":")
    with socket.socket() as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not who listened before
        try:
            end.bind((host, int(port)))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def proxies() -> set[str]:
    """Variables that would send ranks through a proxy to each other: JAX hangs with them."""
    return {name for name in os.environ if name.lower().endswith("_proxy")}
