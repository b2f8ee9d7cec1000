"""The operations of one training step, recorded on shapes alone.

A layer is written here as it would be in a framework, over `Tensor`s that have a shape and no
values; the `Tape` notes what each operation costs, forward and backward, and what backward needs
of forward.
"""

from typing import Literal, NamedTuple

from compare.spec.training import Precision

_INT32 = 4  # bytes of a token id
_MASK = 1  # bytes of a mask's value


class Operation(NamedTuple):
    """One operation of a training step.

    `flops`: a multiply-add is 2, as in Kaplan et al. 2020, section 2.1; a function such as exp,
    tanh or a root is 1.
    `bytes`: the compulsory traffic with main memory, each operand read and each result written
    once.
    `matmul`: a matrix product, which runs at another rate than elementwise work.
    """

    name: str
    flops: float
    bytes: float
    matmul: bool = False


class Tensor(NamedTuple):
    """Shape (rows, time, width) and a name; the rows are the tape's."""

    name: str
    time: int
    width: int


class _Work(NamedTuple):
    """Per element: FLOPs, and values that are read or written."""

    flops: int
    values: int


# Counted in the formulas of `compare.spec.layers` and their derivatives. Elements are those of the
# output; of recurrent cells, whose gates are read and written beside it, those of the state.
_ELEMENTWISE: dict[str, tuple[_Work, _Work]] = {
    "elman": (_Work(2, 3), _Work(4, 4)),
    "lstm": (_Work(13, 15), _Work(23, 11)),
    "gru": (_Work(12, 12), _Work(18, 11)),
    "layer": (_Work(7, 2), _Work(13, 3)),
    "rms": (_Work(4, 2), _Work(9, 3)),
    "gelu": (_Work(9, 2), _Work(18, 3)),
    "rotary": (_Work(3, 2), _Work(3, 2)),
    "softmax": (_Work(6, 2), _Work(5, 3)),  # scaled and masked in the same pass
    "cross_entropy": (_Work(4, 1), _Work(3, 2)),  # no probabilities are written
    "dropout": (_Work(2, 2), _Work(2, 2)),
    "residual": (_Work(1, 3), _Work(0, 0)),  # its gradient passes through
}
_GATES = {"elman": 1, "lstm": 4, "gru": 3}


class Tape:
    """Records one micro-batch of `rows` sequences.

    Backward operations stand right behind their forward ones: the order is not that of time.
    In bf16 the operands of matrix products are 2 bytes wide; their results, and all else, 4. The
    casts between the two are taken for part of the operation beside them.
    """

    def __init__(self, rows: int, precision: Precision) -> None:
        self.rows = rows
        self.value_bytes = 8 if precision == "fp64" else 4
        self.operand_bytes = 2 if precision == "bf16" else self.value_bytes
        self.operations: list[Operation] = []
        self.kept: dict[str, int] = {}
        """Bytes that backward needs of forward, by the name of what they hold."""
        self._used: set[str] = set()

    def embedding(self, name: str, ids: Tensor, vocab: int, dim: int) -> Tensor:
        """Row lookup. The gradient of the table is dense: filled with zeros, then added to."""
        tokens, table = self.rows * ids.time, f"{name}.table"
        values = tokens * dim
        self._use(table, vocab * dim)
        self._record(table, 0, 2 * values, tokens * _INT32)
        self._record(f"{table}: gradient", values, vocab * dim + 3 * values, tokens * _INT32)
        self._keep(ids.name, tokens * _INT32)
        return Tensor(name, ids.time, dim)

    def positions(self, name: str, x: Tensor, length: int) -> Tensor:
        """x + table[:time]; the table's gradient is the sum over rows, and zero beyond them."""
        values, seen = self._size(x), x.time * x.width
        self._use(x.name, values)
        self._record(f"{name}.table", values, 2 * values + seen)
        self._record(f"{name}.table: gradient", values, values + length * x.width)
        return Tensor(name, x.time, x.width)

    def linear(self, name: str, x: Tensor, outputs: int) -> Tensor:
        """x @ kernel + bias; the bias is added as the product is written."""
        self._by_weight(f"{name}.kernel", x, f"{name}.kernel", outputs)
        y = Tensor(name, x.time, outputs)
        self._bias(f"{name}.bias", y)
        return y

    def tied_head(self, name: str, x: Tensor, table: str, vocab: int) -> Tensor:
        """x @ table.T"""
        self._by_weight(name, x, table, vocab)
        return Tensor(name, x.time, vocab)

    def recurrent(
        self, name: str, cell: Literal["elman", "lstm", "gru"], x: Tensor, hidden: int
    ) -> Tensor:
        """One layer: the input's product for all time steps at once, then a loop over time.

        The loop's products are added up. Its weight is counted as read once per sequence, as if
        a cache held it from one step to the next. No gradient flows into the state before the
        first step.
        """
        gates, tokens = _GATES[cell] * hidden, self.rows * x.time
        h = Tensor(name, x.time, hidden)
        self.linear(name, x, gates)
        self._products(f"{name}.recurrent", tokens, hidden, gates, without=self.rows)
        if cell == "gru":
            self._bias(f"{name}.recurrent_bias", h)
        self._elementwise(f"{name}.cell", cell, tokens * hidden)
        self._keep(name, self._size(h) * self.value_bytes)
        beside = {"elman": 0, "lstm": 5, "gru": 4}[cell]  # i f g o c; r z n and h @ Un
        self._keep(f"{name}.gates", beside * self._size(h) * self.value_bytes)
        return h

    def norm(self, name: str, x: Tensor, how: Literal["layer", "rms"]) -> Tensor:
        self._keep(x.name, self._size(x) * self.value_bytes)
        return self._map(name, how, x)

    def gelu(self, name: str, x: Tensor) -> Tensor:
        self._keep(x.name, self._size(x) * self.value_bytes)
        return self._map(name, "gelu", x)

    def dropout(self, name: str, x: Tensor, rate: float) -> Tensor:
        """By a mask that is read; to draw one costs nothing here."""
        if not rate:
            return x
        self._keep(f"{name}.mask", self._size(x) * _MASK)
        return self._map(name, "dropout", x, self._size(x) * _MASK)

    def residual(self, name: str, x: Tensor, branch: Tensor) -> Tensor:
        """x + branch"""
        self._use(branch.name, self._size(branch))
        return self._map(name, "residual", x)

    def attention(
        self, name: str, queries: Tensor, keys: Tensor, width: int, heads: int, rotary: bool
    ) -> Tensor:
        """softmax(q k^T / sqrt(head_dim)) v, with scores for every pair, those that a causal or a
        padding mask hides included. `queries` and `keys` are the projections that hold q, and k
        and v.

        Scores and probabilities are written to memory, which a fused attention need not do.
        """
        each, head_dim, t, s = self.rows * heads, width // heads, queries.time, keys.time
        if rotary:
            self._elementwise(f"{name}.rotary", "rotary", self.rows * (t + s) * width)
        self._products(f"{name}.scores", t, head_dim, s, each)
        self._elementwise(f"{name}.softmax", "softmax", each * t * s)
        self._products(f"{name}.values", t, s, head_dim, each)
        for projected in (queries, keys):
            self._keep(projected.name, self._size(projected) * self.operand_bytes)
        self._keep(f"{name}.probabilities", each * t * s * self.value_bytes)
        return Tensor(f"{name}.merged", t, width)

    def pool(self, name: str, x: Tensor, how: Literal["mean", "max", "last"]) -> Tensor:
        """One vector per row; the gradient is written for every position."""
        y, values = Tensor(name, 1, x.width), self._size(x)
        read = self._size(y) if how == "last" else values
        self._record(name, 0 if how == "last" else 2 * values, read + self._size(y))
        self._record(f"{name}: gradient", values, values + self._size(y))
        if how == "max":
            self._keep(f"{name}.chosen", self._size(y) * _INT32)
        return y

    def cross_entropy(self, logits: Tensor) -> None:
        """The loss, and the gradient of the logits, which exists beside all that is kept."""
        self._elementwise("loss", "cross_entropy", self._size(logits))
        self._keep(logits.name, self._size(logits) * self.value_bytes)
        self._keep(f"{logits.name}: gradient", self._size(logits) * self.value_bytes)

    def _size(self, x: Tensor) -> int:
        return self.rows * x.time * x.width

    def _record(self, name: str, flops: float, values: float, others: float = 0) -> None:
        """`others`: bytes of what is read beside `values`."""
        self.operations.append(Operation(name, flops, values * self.value_bytes + others))

    def _by_weight(self, name: str, x: Tensor, weight: str, outputs: int) -> None:
        self._use(x.name, self._size(x))
        self._use(weight, x.width * outputs)
        self._products(name, self.rows * x.time, x.width, outputs)
        self._keep(x.name, self._size(x) * self.operand_bytes)

    def _products(self, name: str, m: int, k: int, n: int, each: int = 1, without: int = 0) -> None:
        """(m, k) @ (k, n) and its two gradients, `each` times; no gradient for the first
        `without` rows of the left operand."""
        self._product(name, m, k, n, each)
        self._product(f"{name}: left gradient", m - without, n, k, each)
        self._product(f"{name}: right gradient", k, m, n, each)

    def _product(self, name: str, m: int, k: int, n: int, each: int) -> None:
        traffic = (m * k + k * n) * self.operand_bytes + m * n * self.value_bytes
        self.operations.append(Operation(name, 2 * m * k * n * each, traffic * each, matmul=True))

    def _bias(self, name: str, y: Tensor) -> None:
        self._record(name, self._size(y), y.width)
        self._record(f"{name}: gradient", self._size(y), self._size(y) + y.width)

    def _map(self, name: str, kind: str, x: Tensor, mask: int = 0) -> Tensor:
        self._use(x.name, self._size(x))
        self._elementwise(name, kind, self._size(x), mask)
        return Tensor(name, x.time, x.width)

    def _elementwise(self, name: str, kind: str, elements: int, mask: int = 0) -> None:
        """`mask`: its bytes, read forward and backward."""
        for suffix, work in zip(("", ": gradient"), _ELEMENTWISE[kind], strict=True):
            if work.values:
                self._record(name + suffix, work.flops * elements, work.values * elements, mask)

    def _use(self, name: str, values: int) -> None:
        """A value with several uses has the sum of their gradients."""
        if name in self._used:
            self._record(f"{name}: sum of gradients", values, 3 * values)
        self._used.add(name)

    def _keep(self, name: str, size: int) -> None:
        self.kept[name] = max(size, self.kept.get(name, 0))
