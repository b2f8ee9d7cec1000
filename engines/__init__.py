"""Engines: what plays the points of a sweep on machines, a file each."""
