"""The gate looks at all that is compared: validation losses and outputs, not training alone."""

from collections.abc import Sequence

import pytest
from compare.report.table import result_table
from conftest import ADAPTERS, Compare, document
from fake_records import STEPS, A, B, C, header, row, steady, told, whole

from compare.findings.summary import Summary, summarise
from compare.records.record_types import AnyRecord, Ended, Evaluated
from compare.records.values import CellName

ECHO = A.model_copy(update={"echo": True})


def judged(
    losses: dict[CellName, float], outputs: dict[CellName, Sequence[str]] | None = None
) -> Summary:
    """Cells of equal training losses that were evaluated at these."""
    records: list[AnyRecord] = [header(*(cell for cell in losses if not cell.echo))]
    for cell, loss in losses.items():
        records += evaluated(cell, loss, (outputs or {}).get(cell, ()))
    return summarise(records)


def evaluated(cell: CellName, loss: float, outputs: Sequence[str] = ()) -> list[AnyRecord]:
    kept = [
        r for r in whole(cell, steady(cell, [1.0] * STEPS)) if not isinstance(r, Evaluated | Ended)
    ]
    found = Evaluated(
        cell=cell, round=1, step=STEPS, loss=loss, tokens=7, seconds=0.1, outputs=list(outputs)
    )
    return [*kept, found, Ended(cell=cell, round=1, status="ok")]


def test_logits_that_were_rounded_to_float16_are_outside() -> None:
    right = 4.987425
    summary = judged({A: right, B: right * (1 + 5e-8), C: 4.987439, ECHO: right * (1 + 1e-7)})
    assert [cell.status for cell in summary.cells] == ["ok", "ok", "parity_failed"]
    assert row(summary, C).reason == (
        "the validation loss is 2.8e-06 away from the others (allowed: 1.0e-06)"
    )
    assert row(summary, C).loss_difference_share == pytest.approx(2.8, rel=0.01)
    assert row(summary, A).loss_difference_share == pytest.approx(0.05, rel=0.01)
    (text,) = [line[-1] for line in result_table(summary).rows if line[0] == "a:m"]
    assert text == "0.05 of allowed"


def test_what_rounding_does_to_the_echo_s_validation_is_allowed_to_all() -> None:
    right = 4.987425
    summary = judged({A: right, B: 4.987439, ECHO: right * (1 + 1e-6)})
    assert [cell.status for cell in summary.cells] == ["ok", "ok"]
    assert summary.allowed_validation_difference == pytest.approx(1e-5, rel=1e-3)


def test_without_an_evaluated_echo_the_last_step_s_allowance_holds() -> None:
    summary = judged({A: 4.987425, B: 4.987439})
    assert [cell.status for cell in summary.cells] == ["ok", "ok"]
    assert judged({A: 4.987425, B: 4.9875}).cells[0].status == "parity_failed"


def test_an_echo_that_failed_is_named_where_cells_are_then_outside() -> None:
    records = [
        header(A, B),
        *(r for cell, loss in ((A, 5.0), (B, 5.1)) for r in evaluated(cell, loss)),
        *whole(ECHO, steady(ECHO, [1.0] * 3))[:-2],
        Ended(cell=ECHO, round=1, status="failed", reason="worker was killed by SIGKILL"),
    ]
    summary = summarise(records)
    assert row(summary, B).status == "parity_failed"
    assert "the echo, which measures what rounding allows here, failed: compare resume plays" in (
        row(summary, B).reason
    )
    (gravest,) = (note for note in summary.notes if note.grade == "breaks")
    assert gravest.text.endswith("worker was killed by SIGKILL")
    assert gravest.remedy == "compare resume plays it again"


def test_of_two_that_differ_the_reason_ends_in_the_command_that_tells() -> None:
    summary = judged({A: 5.0, B: 5.1})
    for cell in summary.cells:
        assert cell.reason.endswith(
            "which of them is wrong cannot be told (allowed: 5.0e-06);"
            " `compare audit --task lm --backend a,b` tells"
        )


def test_outputs_that_differ_are_counted_beside_the_echo_s() -> None:
    same = ["x", "y", "z"]
    summary = judged(
        {A: 5.0, B: 5.0, C: 5.0, ECHO: 5.0},
        {A: same, B: same, C: ["x", "y", "q"], ECHO: ["w", "y", "z"]},
    )
    assert [cell.outputs_differing for cell in summary.cells] == [1, 1, 1]
    assert (summary.outputs, summary.echo_outputs_differing) == (3, 1)
    (note,) = [note for note in told(summary) if "outputs differ" in note]
    assert "up to 1 of 3 outputs differ" in note
    assert "of the echo, which differs by rounding alone, 1 did" in note
    assert judged({A: 5.0, B: 5.0}).cells[0].outputs_differing is None


@pytest.mark.slow
def test_logits_that_were_rounded_are_caught_by_the_validation_loss(compare: Compare) -> None:
    """A real adapter whose training is right, and whose logits pass through float16."""
    asked = ("--task", "lm", "--preset", "tiny", "--steps", "300", "--json")
    rate = ("--set", "optimizer.learning_rate=0.01")
    trouble = str(ADAPTERS / "trouble.py")
    rounded = f"reference,{trouble}:half_precision_logits"
    rows = {
        row["backend"]: row
        for row in document(compare(*asked, *rate, "--backend", rounded))["cells"]
    }
    assert rows["reference"]["status"] == "ok"
    assert rows["trouble"]["status"] == "parity_failed"
    assert rows["trouble"]["reason"].startswith("the validation loss is")
    assert rows["trouble"]["max_loss_difference"] == 0  # no training loss tells it
    right = document(compare(*asked, *rate, "--backend", f"reference,{trouble}:none"))["cells"]
    assert [row["status"] for row in right] == ["ok", "ok"]
