"""Devices by the labels that a command line has for them."""

from collections.abc import Iterable

from compare.contracts.backend import Device

KINDS = ("cuda", "mps", "cpu")
"""The best first: what `auto` takes, where every backend has it."""


def device_of(label: str, devices: Iterable[Device]) -> Device | None:
    """The one that is meant by a kind and an index, such as "cuda:1", or by a kind alone, which
    is the first of that kind; None where there is none."""
    meant = (label, f"{label}:0")
    return next((one for one in devices if f"{one.kind}:{one.index}" in meant), None)
