"""The JSON Schemas of what runs leave behind, for other programs: docs/schema/.

    python -m compare.archive.json_schemas [FOLDER]

writes them anew: `records-N.json` of each line of records.jsonl under schema version N, and
`summary.json` of what --json prints of a run, which a run's summary.json has under "summary".
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from compare.findings.summary import Summary
from compare.records.record_types import ANY_RECORD, SCHEMA_VERSION

FOLDER = Path("docs", "schema")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _WithNaN(GenerateJsonSchema):
    """JSON has no NaN: records have the strings "NaN", "Infinity" and "-Infinity"."""

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), {"enum": ["NaN", "Infinity", "-Infinity"]}]}


class _WithNull(_WithNaN):
    """In a summary what is not finite is null, but for intervals, which are as in records."""

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [*super().float_schema(schema)["anyOf"], {"type": "null"}]}


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its file name."""
    records = ANY_RECORD.json_schema(schema_generator=_WithNaN)
    summary = Summary.model_json_schema(schema_generator=_WithNull)
    title = f"A line of records.jsonl, schema version {SCHEMA_VERSION}"
    return {
        f"records-{SCHEMA_VERSION}.json": {"$schema": _DIALECT, "title": title, **records},
        "summary.json": {"$schema": _DIALECT, **summary},
    }


def json_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2) + "\n"


def write_schemas(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(json_text(schema), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
