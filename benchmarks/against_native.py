"""Each backend adapter against the plain loops that a user of its framework would write.

    python benchmarks/against_native.py --preset small,lstm,gpt --rounds 6
    python benchmarks/against_native.py --peers --rounds 6

Two at a time train the same experiment in lockstep, so that each of our windows has a partner
that the hand-written loop in `native/` played a moment earlier or later; or, with `--peers`, what
people train with instead, in `peers/`. Above 1, the adapter is faster.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from races import play
from rich import box
from rich.table import Table

from compare.commands.tables import print_whole
from compare.errors import UserError
from compare.findings import speed
from compare.findings.cells import Cell
from compare.findings.number_text import count_of
from compare.findings.parity import relative_difference
from compare.records.record_types import AnyRecord, header_of
from compare.running.progress import Silent, watched

NATIVE = Path(__file__).parent / "native" / "native.py"
PEERS = Path(__file__).parent / "peers" / "peers.py"
OPPONENTS = {
    "torch": ("torch_loop",),
    "tensorflow": ("tensorflow_loop",),
    "keras": ("keras_loop", "keras_fit"),
    "jax": ("jax_loop",),
}
PEERS_OF = {
    ("torch", "gpt"): ("small_gpt", "hf_trainer", "lightning_fit"),
    ("torch", "small"): ("word_rnn", "lightning_fit"),
    ("torch", "lstm"): ("word_rnn", "lightning_fit"),
    ("jax", "gpt"): ("flax_loop",),
}
OF_RANKS = ("torch_loop", "tensorflow_loop", "jax_loop")
PRESETS = ("small", "lstm", "gpt")


def main() -> int:
    options = _options()
    rows, races = [], list(_races(options))
    with tempfile.TemporaryDirectory() as scratch, watched() as progress:
        for number, (preset, backend, opponent) in enumerate(races, 1):
            progress.point(number, len(races), f"{preset}, {backend} against {opponent}")
            rows.append(_race(preset, backend, opponent, options, Path(scratch), progress))
            if options.json:  # after each: a benchmark of an hour may be cut off
                options.json.write_text(json.dumps(rows, indent=2) + "\n")
    _show(rows)
    return 1 if any(row["status"] == "failed" for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", type=_presets, default=PRESETS, help="such as small,lstm,gpt")
    parser.add_argument("--backend", type=_backends, default=OPPONENTS, help="NAME or NAME:MODE")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--peers", action="store_true", help="against what people use instead")
    parser.add_argument("--ranks", type=int, default=1, help="processes that train together")
    parser.add_argument("--rounds", type=int, default=1, help="fresh processes of each")
    parser.add_argument("--precision", help="time each race on until, e.g., within 1%%")
    parser.add_argument("--budget", help="but no longer than, e.g., 5m each")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def _presets(text: str) -> list[str]:
    return _known(text.split(","), PRESETS)


def _backends(text: str) -> list[str]:
    _known([name.partition(":")[0] for name in text.split(",")], OPPONENTS)
    return text.split(",")


def _known(names: list[str], known: Any) -> list[str]:
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no native loop for '{name}': {', '.join(known)}")
    return names


def _races(options: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    for preset in options.preset:
        for backend in options.backend:
            name = backend.partition(":")[0]
            for opponent in PEERS_OF.get((name, preset), ()) if options.peers else OPPONENTS[name]:
                if options.ranks == 1 or opponent in OF_RANKS:
                    yield preset, backend, opponent


def _race(
    preset: str,
    backend: str,
    opponent: str,
    options: argparse.Namespace,
    out: Path,
    progress: Silent,
) -> dict[str, Any]:
    """Two cells in lockstep, and what comes of it."""
    limits = {"precision": options.precision, "budget": options.budget}
    run = {"rounds": options.rounds, **{name: limit for name, limit in limits.items() if limit}}
    backends = [backend, f"{PEERS if options.peers else NATIVE}:{opponent}"]
    records = play(preset, backends, run, out, progress, options.steps, options.ranks)
    cells = header_of(records).cells
    ours, theirs = (Cell(name, records) for name in cells)
    return {"preset": preset, **_figures(ours, theirs), **_end(ours, theirs, records)}


def _figures(ours: Cell, theirs: Cell) -> dict[str, Any]:
    """Rates and their ratio as reports have them."""
    sample = speed.paired(ours.timings, theirs.timings)
    rates = [speed.units(cell.timings).ratio() for cell in (ours, theirs)]
    ratio = sample.ratio()
    difference = relative_difference(ours.losses(), theirs.losses())
    return {
        "backend": ours.name.label,
        "opponent": theirs.name.mode,
        "tokens_per_second": rates[0] and rates[0].value,
        "native_tokens_per_second": rates[1] and rates[1].value,
        "ratio": ratio and ratio._asdict(),
        "pairs": len(sample.logs),
        "unit": sample.unit,
        "max_loss_difference": float(difference.max()) if len(difference) else None,
    }


def _end(ours: Cell, theirs: Cell, records: list[AnyRecord]) -> dict[str, Any]:
    """The worse end of the two, a failure before any other."""
    ends = [cell.end() for cell in (ours, theirs)]
    worst = next((end for end in ends if end.status == "failed"), None)
    worst = worst or next((end for end in ends if end.status != "ok"), ends[0])
    reason = f"{worst.cell.label}: {worst.reason}" if worst.reason else ""
    return {"status": worst.status, "reason": reason, "log_tail": worst.log_tail}


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("model", "backend", "against"):
        table.add_column(title, no_wrap=True)
    for title in ("tokens/s", "theirs", "as fast (95%)", "loss diff."):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row["preset"], row["backend"], row["opponent"], *_texts(row))
    print_whole(table)
    print(f"{_verdict(rows)}.")
    for row in rows:
        if row["status"] != "ok":
            print(f"{row['preset']}, {row['status']}: {row['reason']}", file=sys.stderr)
            print(row["log_tail"], file=sys.stderr)


def _verdict(rows: list[dict[str, Any]]) -> str:
    timed = [row for row in rows if row.get("ratio")]
    told = f"{len(timed)} of {count_of(len(rows), 'race')} could be timed"
    if not timed:
        return told
    slowest = min(timed, key=lambda row: float(row["ratio"]["value"]))
    ratio, name = slowest["ratio"]["value"], f"{slowest['backend']} on {slowest['preset']}"
    return f"{told}; furthest behind is {name}, at {ratio:.3f} of {slowest['opponent']}"


def _texts(row: dict[str, Any]) -> list[str]:
    if row["status"] != "ok":
        return ["-", "-", row["status"], "-"]
    ratio, difference = row["ratio"], row["max_loss_difference"]
    text = "-"
    if ratio:
        text = f"{ratio['value']:.3f}"
        if ratio["low"] is not None:
            text += f" ({ratio['low']:.3f} to {ratio['high']:.3f})"
    rates = (row["tokens_per_second"], row["native_tokens_per_second"])
    return [
        *("-" if rate is None else f"{rate:,.0f}" for rate in rates),
        text,
        "-" if difference is None else f"{difference:.1e}",
    ]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"against_native: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
