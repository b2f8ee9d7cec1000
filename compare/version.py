"""The version of this suite."""

VERSION = ""
