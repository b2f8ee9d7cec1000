"""Recurrent layers: paddle's own, whose gate orders, i f g o and r z n, are the canonical ones."""

from typing import Any

import paddle
from paddle import Tensor, nn

from compare import spec as specs

from .layers import Entry

CELLS = {"elman": nn.SimpleRNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Layer):
    """`layer(x, state)` gives y (batch, time, hidden) and the new state: h, or for an LSTM (h, c),
    each (layers, batch, hidden)."""

    def __init__(self, spec: specs.Recurrent) -> None:
        super().__init__()
        self.spec, self.rnn = spec, CELLS[spec.cell](spec.inputs, spec.hidden, spec.layers)
        self.entries: dict[str, Entry] = {}
        for index in range(spec.layers):
            self._add_entries(f"{spec.name}.{index}", f"l{index}")

    def _add_entries(self, name: str, end: str) -> None:
        kernel, recurrent, bias, second = (
            getattr(self.rnn, f"{own}_{end}")
            for own in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        self.entries[f"{name}.kernel"] = Entry(kernel, transposed=True)
        self.entries[f"{name}.recurrent"] = Entry(recurrent, transposed=True)
        self.entries[f"{name}.bias"] = Entry(bias)
        # paddle adds two biases; trained, their sum would move twice as far. Only the part inside
        # a GRU's reset gate is a parameter of its own. (With stop_gradient paddle's RNNs fail.)
        second.set_value(paddle.zeros_like(second))
        frozen = len(second)
        if self.spec.cell == "gru":
            frozen = 2 * self.spec.hidden
            self.entries[f"{name}.recurrent_bias"] = Entry(second, first_row=frozen)
        trained = (paddle.arange(len(second)) >= frozen).astype(second.dtype)
        second.register_hook(lambda gradient: gradient * trained)

    def forward(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        return self.rnn(x, state)

    def zeros(self, rows: int) -> Any:
        h = paddle.zeros([self.spec.layers, rows, self.spec.hidden], self.rnn.weight_hh_l0.dtype)
        return (h, paddle.zeros_like(h)) if self.spec.cell == "lstm" else h
