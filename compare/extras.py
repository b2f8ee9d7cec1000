"""What only some users need: libraries of an extra, imported when they are used."""

import importlib
from typing import Any

from compare.errors import UserError


def needed(module: str, extra: str) -> Any:
    """Import a module; raises UserError, naming the extra that installs it, where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise UserError(
            f"{missing} is not installed: pip install 'framework-compare[{extra}]'"
        ) from None
