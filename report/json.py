"""The whole summary as JSON: what `--json` prints, in a file. docs/schema/ has its schema."""

from compare.archive.across import CrossTable
from compare.archive.scaling import SweepSummary
from compare.findings.summary import Summary


class JsonReport:
    name = "json"
    filename = "report.json"
    by_default = False

    def render(self, summary: Summary) -> str:
        return summary.model_dump_json(indent=2) + "\n"

    def render_sweep(self, sweep: SweepSummary) -> str:
        return sweep.model_dump_json(indent=2) + "\n"

    def render_across(self, table: CrossTable) -> str:
        return table.model_dump_json(indent=2) + "\n"


report = JsonReport()
