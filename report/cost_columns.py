"""The columns of the second table: where the time went, and what it took of the machine."""

from collections.abc import Callable

from compare.findings.cell_summary import CellSummary
from compare.findings.number_text import share

from . import forms
from .column import COSTS, Column, each, figures, phase
from .columns import BACKEND
from .forms import Form


def costs() -> list[Column]:
    """All that there are; a machine that cannot tell one has no figure in it."""
    phases = {"import": "import", "build": "build", "compile": "compile", "warm-up": "warmup",
              "steady": "steady", "evaluation": "evaluation"}  # fmt: skip
    return [
        Column(BACKEND, each(lambda c: c.label)),
        *(phase(title, name, COSTS) for title, name in phases.items()),
        _cost("GFLOP/s", lambda c: _giga(c.flops_per_second)),
        _cost(
            "own product",
            lambda c: _giga(c.product_flops_per_second),
            meaning="GFLOP/s of the framework's float32 matrix product, to hold against the roof",
        ),
        Column(
            "of roofline",
            each(lambda c: share(c.roofline_share)),
            "the least time that a step can take on this machine, over what it took",
            rank=COSTS, optional=True,
        ),
        _cost("device peak", lambda c: c.device_peak_memory_bytes, forms.memory),
        _cost(
            "planned",
            lambda c: c.planned_memory_bytes,
            forms.memory,
            "what the framework's compiler says that a step will hold",
        ),
        _cost("idle", lambda c: c.idle_memory_bytes, forms.memory),
        _cost("process peak", lambda c: c.process_peak_memory_bytes, forms.memory),
        *THREADS,
        _cost(
            "others' CPUs",
            lambda c: c.cpus_of_others,
            forms.fixed("{:.2f}"),
            "what other processes used meanwhile",
        ),
        _cost(
            "steal",
            lambda c: c.steal_share,
            forms.fixed("{:.1%}"),
            "CPUs a hypervisor withheld",
        ),
        _cost(
            "switches/s",
            lambda c: c.involuntary_switches_per_second,
            meaning="how often a thread was taken off its CPU",
        ),
        _cost("MHz", lambda c: c.mhz, forms.fixed("{:,.0f}")),
        _cost("J/step", lambda c: c.joules_per_step),
    ]  # fmt: skip


def _cost(
    title: str,
    value: Callable[[CellSummary], float | None],
    form: Form = forms.plain,
    meaning: str = "",
) -> Column:
    return Column(title, figures(value, form), meaning, rank=COSTS, optional=True)


def _giga(value: float | None) -> float | None:
    return None if value is None else value / 1e9


THREADS = (
    _cost("cores used", lambda c: c.cores_used, forms.fixed("{:.2f}"), "CPU seconds per second"),
    _cost(
        "busy threads", lambda c: c.busy_threads, forms.fixed("{}"), "how many were seen at work"
    ),
)
