"""Train one language model identically on every framework, and compare what comes out."""

__version__ = "0.1.0"
