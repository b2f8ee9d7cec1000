"""The version of this suite."""

VERSION = "0.2.0"
