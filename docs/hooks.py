"""Pages are read on the site and in the repository: links that leave `docs/` are only for there."""

import re
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """[text](../path/in/the/repository) becomes its text."""
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]+\)", r"\1", markdown)
