"""The conformance checks as a pytest suite, for the CI of an adapter's author.

# tests/test_conformance.py of the adapter
from compare.testing import conformance_test

test_conformance = conformance_test("path/to/adapter.py")

And the experiment of one check, to look into what fails: its spec, weights and batches.

case = case_of("training: gru of 2 layers")
trainer = backend.build(case.experiment(), Device("cpu"))
trainer.load(case.weights())
print(trainer.train(case.batches(), RATES))
"""

from collections.abc import Callable
from functools import cache

from compare.conformance.cases import RATES, Case
from compare.conformance.checks import all_checks, named, names
from compare.conformance.finding import Finding
from compare.errors import UserError
from compare.planning.selection import choose_cells, find_oracle
from compare.planning.spelling import EVERY_MODE, adapter_and_mode
from compare.running.checking import check_cell

__all__ = ["RATES", "Case", "case_of", "conformance_test"]


def case_of(check: str) -> Case:
    """What a check such as "optimizer: adam" is made on, or those of a model such as
    "gru of 2 layers".

    Its batches are trained at the `RATES`, one for each step. Raises UserError for a check that
    computes nothing, or that there is not.
    """
    cases = {one.name: one.case for one in all_checks()}
    found = [cases[name] for name in named(check) if name in cases]
    if not found:
        raise UserError(f"'{check}' is made on no experiment")
    return found[0]


def conformance_test(backend: str) -> Callable[[str, str], None]:
    """A parametrised pytest test function with one case per mode and check.

    `backend` is an installed backend's name or the path of an adapter file, which are tested in
    every mode, or either with :MODE.
    """
    import pytest

    adapter, mode = adapter_and_mode(backend)
    choices = {one.cell.mode: one for one in choose_cells([f"{adapter}:{mode or EVERY_MODE}"], {})}

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
        assert finding.status == "passed", _reason(finding)

    return test


def _reason(finding: Finding) -> str:
    if finding.explained_by:
        return f"{finding.detail}; fails with {finding.explained_by!r}"
    return f"{finding.detail}; usual causes: {finding.hint}" if finding.hint else finding.detail
