"""Addresses of pages: read without a way out of the folder, and written."""

from urllib.parse import quote, unquote


def parts_of(target: str) -> list[str]:
    """The segments of an address's path, decoded once; none where it could mean another place."""
    path = target.partition("?")[0].partition("#")[0]
    try:
        text = unquote(path, errors="strict")
    except UnicodeDecodeError:
        return []
    return segments(text[1:]) if text.startswith("/") else []


def segments(text: str) -> list[str]:
    """Names between slashes; none where one of them leads elsewhere."""
    if "\\" in text or not text.isprintable():
        return []
    parts = text.split("/")
    strange = any(part in (".", "..") for part in parts) or "" in parts[:-1]
    return [] if strange else parts


def address_of(names: list[str]) -> str:
    """Where the page of a run is."""
    return "/".join(["/runs", *map(quote, names), ""])
