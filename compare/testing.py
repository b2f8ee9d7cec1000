"""The conformance checks as a pytest suite, for the CI of an adapter's author.

# tests/test_conformance.py of the adapter
from compare.testing import conformance_test

test_conformance = conformance_test("path/to/adapter.py")
"""

from collections.abc import Callable
from functools import cache

from compare.conformance.checks import Finding, names
from compare.planning.selection import choose_cells, find_oracle
from compare.running.checking import check_cell


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
        others = [finding for finding in found.values() if finding.status != "passed"]
        failed = [finding for finding in others if finding.status == "failed"]
        finding = found.get(check) or (failed or others)[-1]
        if finding.status == "skipped":
            pytest.skip(finding.detail)
        assert finding.status == "passed", f"{finding.detail}; usual causes: {finding.hint}"

    return test
