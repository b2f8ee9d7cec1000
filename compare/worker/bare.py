"""Starts a worker in an interpreter that the suite is not installed in: `PYTHON bare.py WHERE ...`.

WHERE is what `elsewhere.py` tells: where the suite's own code lies, and what its backends are
called. Only that code is lent, and none of the libraries beside it: an interpreter has its own.
"""

import json
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path


class Finder:
    """Finds packages in folders of their own; what is inside them is found by their paths."""

    def __init__(self, folders: dict[str, str]) -> None:
        self.folders = folders

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        file = self.folders.get(name)
        if file is None:
            return None
        inside = [str(Path(file).parent)] if Path(file).name == "__init__.py" else None
        return spec_from_file_location(name, file, submodule_search_locations=inside)


def main() -> None:
    where = json.loads(sys.argv.pop(1))
    sys.meta_path.insert(0, Finder(where["modules"]))
    from compare import plugins
    from compare.worker import answering

    plugins.lend("backend", where["backends"])
    answering.main()


if __name__ == "__main__":
    main()
