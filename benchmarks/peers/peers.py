"""What people train with instead, to be raced as one backend whose modes are the peers.

    compare --task lm --preset gpt --backend torch,benchmarks/peers/peers.py:hf_trainer

A peer is a module as the loops in `benchmarks/native` are. It keeps its own ways, of loading data,
of clipping and of stepping, and trains the very same model on the very same batches.
Needs `pip install 'framework-compare[peers]'`.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "native")]  # an adapter is loaded by its path

from native import Native  # noqa: E402

from compare.contracts import Group, Unsupported  # noqa: E402


class Peers(Native):
    name = "peers"
    modes = ("small_gpt", "word_rnn", "hf_trainer", "lightning_fit", "flax_loop")

    def join(self, group: Group) -> None:
        raise Unsupported("several ranks")


backend = Peers()
