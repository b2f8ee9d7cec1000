"""Train one language model identically on every framework, and compare what comes out."""

from compare.version import VERSION

__version__ = VERSION
