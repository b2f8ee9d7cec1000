"""Loading engines."""

from typing import cast

from compare.cluster.contract import Engine
from compare.errors import UserError, unknown
from compare.plugins import installed


def load_engine(text: str) -> tuple[Engine, str]:
    """The engine and the address of a text such as "NAME" or "NAME=ADDRESS".

    Raises UserError with the nearest names, or where it has an equals sign and no address.
    """
    name, equals, address = text.partition("=")
    points = installed("engine")
    if name not in points:
        raise unknown("engine", name, points, "--cluster")
    if equals and not address:
        raise UserError(f"--cluster takes {name} or {name}=ADDRESS, not '{text}'")
    return cast(Engine, points[name].load()), address
