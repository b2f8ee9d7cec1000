"""Corpora: generated ones whose best reachable loss is known, and text that users bring."""
