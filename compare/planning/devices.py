"""The device that a cell computes on."""

from compare.contracts.backend import Device
from compare.contracts.devices import KINDS, device_of
from compare.worker.process import CellEnded


def choose_device(asked: str, own: list[Device], everyone: list[list[Device]]) -> Device:
    """The device for one cell; `auto` is the best kind that all cells have.

    Raises CellEnded("skipped") where the cell has no such device.
    """
    asked = settled(asked, everyone)
    if device := device_of(asked, own):
        return device
    seen = ", ".join(device.label for device in own)
    raise CellEnded("skipped", f"no device {asked}: its framework sees {seen or 'none'}")


def settled(asked: str, everyone: list[list[Device]]) -> str:
    """What `auto` comes to where these devices are seen by each cell; anything else is itself."""
    if asked != "auto" or not everyone:
        return asked
    common = set.intersection(*({device.kind for device in some} for some in everyone))
    return next((kind for kind in KINDS if kind in common), "cpu")
