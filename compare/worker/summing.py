"""Arrays added up over the ranks of one machine, for frameworks that have no collectives.

Rank 0 has a socket to each of the others, which have one to it. It adds their arrays to its own in
the order of the ranks and gives all of them the result, which so is the same to the last bit.
"""

import json
import socket
import struct
from collections.abc import Sequence

import numpy as np

from compare.spec.arrays import Array, Weights

_LENGTH = struct.Struct("<Q")


class Sockets:
    """One rank's ends; of rank 0 those of all others, in their order."""

    def __init__(self, rank: int, descriptors: Sequence[int]) -> None:
        self.rank = rank
        self.ends = [socket.socket(fileno=one) for one in descriptors]

    def sum(self, arrays: Weights) -> Weights:
        """See `Group.sum`; raises ValueError where ranks add up different arrays, and OSError
        where one of them is gone."""
        own = {name: np.asarray(value, order="C") for name, value in arrays.items()}
        if self.rank:
            (above,) = self.ends
            _send(above, own)
            return _receive(above, own, "rank 0")
        total = {name: value.copy() for name, value in own.items()}
        for number, end in enumerate(self.ends, 1):
            for name, value in _receive(end, own, f"rank {number}").items():
                total[name] += value
        for end in self.ends:
            _send(end, total)
        return total


def _send(end: socket.socket, arrays: Weights) -> None:
    head = _head(arrays)
    end.sendall(_LENGTH.pack(len(head)) + head)
    for value in arrays.values():
        if value.size:
            end.sendall(_bytes_of(value))


def _receive(end: socket.socket, like: Weights, who: str) -> dict[str, Array]:
    (length,) = _LENGTH.unpack(_read(end, _LENGTH.size))
    if _read(end, length) != _head(like):
        raise ValueError(f"{who} adds up other arrays, or in another order")
    found = {name: np.empty_like(value) for name, value in like.items()}
    for value in found.values():
        if value.size:
            _fill(end, _bytes_of(value))
    return found


def _bytes_of(value: Array) -> memoryview:
    return value.reshape(-1).data.cast("B")


def _read(end: socket.socket, length: int) -> bytes:
    read = bytearray(length)
    _fill(end, memoryview(read))
    return bytes(read)


def _fill(end: socket.socket, left: memoryview) -> None:
    while left:
        count = end.recv_into(left)
        if not count:
            raise ConnectionError("another rank is gone")
        left = left[count:]


def _head(arrays: Weights) -> bytes:
    kinds = [(name, value.dtype.str, value.shape) for name, value in arrays.items()]
    return json.dumps(kinds).encode()
