"""The conformance checks as a pytest suite, for the CI of an adapter's author.

# tests/test_conformance.py of the adapter
from compare.testing import conformance_test

test_conformance = conformance_test("path/to/adapter.py")
"""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from compare.conformance import Finding, names
from compare.player import CellEnded, Player
from compare.survey import Choice, choose_cells, find_oracle

_TIMEOUT = 600.0


def check_cell(
    choice: Choice, oracle: str, timeout: float = _TIMEOUT, device: str = ""
) -> list[Finding]:
    """Run every check on one backend in one mode, in a process of its own.

    `device` is a label such as "cuda:0"; without one it is the backend's first. A backend that
    cannot be opened is a single finding, skipped or failed with the reason.
    """
    with tempfile.TemporaryDirectory() as scratch:
        player = Player(choice.adapter, None, None, Path(scratch) / "log")
        try:
            player.ask("hello", timeout)
            player.ask("open", timeout, mode=choice.cell.mode, threads=1)
            answer = player.ask("check", timeout, oracle=oracle, device=device)
        except CellEnded as end:
            status = "skipped" if end.status == "skipped" else "failed"
            return [Finding(check="open", status=status, detail=end.reason)]
        finally:
            player.stop()
    return [Finding.model_validate(finding) for finding in answer["findings"]]


def conformance_test(backend: str) -> Callable[[str, str], None]:
    """A parametrised pytest test function with one case per mode and check.

    `backend` is an installed backend's name, NAME:MODE or the path of an adapter file.
    """
    import pytest

    choices = {choice.cell.mode: choice for choice in choose_cells([backend], {}, every_mode=True)}

    @cache
    def findings(mode: str) -> dict[str, Finding]:
        found = check_cell(choices[mode], find_oracle().adapter)
        return {finding.check: finding for finding in found}

    @pytest.mark.parametrize("check", names())
    @pytest.mark.parametrize("mode", list(choices))
    def test(mode: str, check: str) -> None:
        found = findings(mode)
        # Checks that were not made any more fail for the reason of the one that ended them.
        finding = found.get(check) or next(f for f in found.values() if f.status != "passed")
        if finding.status == "skipped":
            pytest.skip(finding.detail)
        assert finding.status == "passed", f"{finding.detail}; usual causes: {finding.hint}"

    return test
