"""`compare list`: tasks, presets, fields, backends, modes, reports and exports."""

from rich.console import Console
from rich.text import Text

from compare.contracts.loading import load_task
from compare.planning import survey
from compare.plugins import installed
from compare.reporting.loading import load_reports


def list_() -> None:
    """Tasks, presets, fields, backends, modes and reports."""
    described = survey.describe_backends(installed("backend"), {})
    console = Console(highlight=False)
    console.print("[bold]tasks[/], with every field that --set can change")
    for name in sorted(installed("task")):
        task = load_task(name)
        metrics = f"; metrics {', '.join(task.metrics)}" if task.metrics else ""
        console.print(f"  {name}: presets {', '.join(task.presets)}{metrics}")
        for section, fields in task.settings().model_dump().items():
            values = ", ".join(f"{field}={value}" for field, value in fields.items())
            console.print(Text(f"    {section}: {values}"))
    console.print("[bold]backends[/], the default mode first")
    for name, backend in described.items():
        role = " (the oracle, not raced unless named)" if backend.oracle else ""
        console.print(Text(f"  {name}: {backend.problem or ', '.join(backend.modes)}{role}"))
    console.print("[bold]reports[/]")
    for report in load_reports():
        console.print(f"  {report.name}: {report.filename or 'printed'}")
    console.print("[bold]exports[/]")
    console.print(f"  {', '.join(sorted(installed('export')))}")
