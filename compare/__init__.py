"""Train one language model identically on every framework, and compare what comes out."""

from typing import TYPE_CHECKING, Any

from compare.version import VERSION

if TYPE_CHECKING:
    from compare.archive.frame import load

__version__ = VERSION
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":  # takes pandas, which a worker has no use for
        from compare.archive.frame import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
