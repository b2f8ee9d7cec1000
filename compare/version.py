"""The version of this suite."""

VERSION = "0.3.0"
