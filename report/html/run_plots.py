"""The plots of a run, in the order of its page."""

from compare.findings.summary import Summary

from . import cost_plots, efficiency, loss_plots, speed_plots
from .figures import Figure

_PLOTS = (
    speed_plots.throughput,
    efficiency.strong,
    speed_plots.windows,
    loss_plots.loss,
    loss_plots.parity,
    cost_plots.memory_held,
    cost_plots.cold_start_of,
)


def of_run(summary: Summary) -> dict[str, Figure]:
    """Every plot that there is something to draw in, by name."""
    found = [make(summary) for make in _PLOTS]
    return {figure.name: figure for figure in found if figure}
