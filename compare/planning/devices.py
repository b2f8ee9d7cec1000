"""The device that a cell computes on."""

from compare.contracts.backend import Device
from compare.contracts.devices import KINDS, device_of
from compare.worker.process import CellEnded


def choose_device(asked: str, own: list[Device], everyone: list[list[Device]]) -> Device:
    """The device for one cell; `auto` is the best kind that all cells have.

    Raises CellEnded("skipped") where the cell has no such device.
    """
    if asked == "auto":
        common = set.intersection(*({device.kind for device in some} for some in everyone))
        asked = next((kind for kind in KINDS if kind in common), "cpu")
    if device := device_of(asked, own):
        return device
    seen = ", ".join(device.label for device in own)
    raise CellEnded("skipped", f"no device {asked}: its framework sees {seen or 'none'}")
