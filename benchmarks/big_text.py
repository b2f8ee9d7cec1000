"""Seconds and peak memory to tokenise 100 MB of text, for each unit, and again from the cache.

.venv/bin/python benchmarks/big_text.py
"""

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

MEGABYTES = 100
UNITS = ("words", "chars", "bytes", "bpe")
READ = """
import sys, time
from compare.meters.memory import HighWater
from compare.sources.stream import tokenise_text
mark = HighWater()
mark.reset()
began = time.perf_counter()
text = tokenise_text(sys.argv[1], sys.argv[2], 10_000)
seconds = time.perf_counter() - began
print(f"{seconds:6.1f} s {mark.peak() / 1e6:6.0f} MB {len(text.train):13,} tokens")
"""


def write(path: Path) -> None:
    """A text of words that follow Zipf's law, 200,000 of them."""
    draw = random.Random(1)
    letters = "etaoinshrdlucmfwyp"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(200_000)]
    odds = [1 / rank for rank in range(1, len(words) + 1)]
    with path.open("w") as file:
        while file.tell() < MEGABYTES * 1_000_000:
            drawn = draw.choices(words, odds, k=12_000)
            lines = (" ".join(drawn[i : i + 12]) for i in range(0, len(drawn), 12))
            file.write(",\n".join(lines) + ".\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "big.txt")
        write(text)
        environment = {**os.environ, "COMPARE_CACHE": folder}
        for unit in UNITS:
            for how in ("made", "from the cache"):
                command = [sys.executable, "-P", "-c", READ, str(text), unit]
                done = subprocess.run(
                    command, env=environment, check=True, capture_output=True, text=True
                )
                print(f"{unit:6} {how:15}{done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
