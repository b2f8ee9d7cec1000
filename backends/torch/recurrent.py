"""Recurrent layers: torch's fused ones, and loops over time where those do not serve.

Each is called as `layer(x, state)` and returns `(y, new state)`: h (layers, batch, hidden), or
for an LSTM (h, c); None is zeros.
"""

from typing import Any

import torch
from torch import Tensor, nn

from compare.spec import Recurrent

from .layers import Canonical, Entry, Linear

State = Any

FUSED = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
GATES = {"elman": 1, "lstm": 4, "gru": 3}  # torch's orders are the canonical ones


class FusedRecurrent(nn.Module):
    """nn.RNN, nn.LSTM or nn.GRU: torch's own loop (cuDNN on a GPU)."""

    def __init__(self, spec: Recurrent) -> None:
        super().__init__()
        self.spec = spec
        self.rnn = FUSED[spec.cell](spec.inputs, spec.hidden, spec.layers, batch_first=True)
        for index in range(spec.layers):
            self._freeze_second_bias(getattr(self.rnn, f"bias_hh_l{index}"))

    def _freeze_second_bias(self, bias: nn.Parameter) -> None:
        # torch adds two biases; trained, their sum would move twice as far and count twice in
        # the norm. Only the one inside a GRU's reset gate is a parameter of its own.
        nn.init.zeros_(bias)
        if self.spec.cell != "gru":
            bias.requires_grad_(False)
            return
        of_n = torch.arange(len(bias)) >= 2 * self.spec.hidden
        bias.register_hook(lambda gradient: gradient * of_n.to(gradient.device))

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, last = self.rnn(x, state)  # (batch, time, hidden)
        return y, last

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for index in range(self.spec.layers):
            name, rnn = f"{self.spec.name}.{index}", self.rnn
            found[f"{name}.kernel"] = Entry(getattr(rnn, f"weight_ih_l{index}"), transposed=True)
            found[f"{name}.recurrent"] = Entry(getattr(rnn, f"weight_hh_l{index}"), transposed=True)
            found[f"{name}.bias"] = Entry(getattr(rnn, f"bias_ih_l{index}"))
            if self.spec.cell == "gru":
                bias, rows = getattr(rnn, f"bias_hh_l{index}"), slice(2 * self.spec.hidden, None)
                found[f"{name}.recurrent_bias"] = Entry(bias, rows=rows)
        return found


class LoopedLayer(nn.Module):
    """One layer as a loop over time."""

    def __init__(self, spec: Recurrent, index: int, bf16: bool) -> None:
        super().__init__()
        self.name, self.cell = f"{spec.name}.{index}", spec.cell
        width, gates = spec.hidden if index else spec.inputs, GATES[spec.cell] * spec.hidden
        self.inputs = Linear(width, gates, bf16)
        self.recurrent = Linear(spec.hidden, gates, bf16, bias=False)
        if spec.cell == "gru":
            self.recurrent_bias = nn.Parameter(torch.zeros(spec.hidden))

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = []
        for step in self.inputs(x).unbind(1):  # all time steps at once: (batch, time, gates)
            h, c = self._step(step, h, c)
            outputs.append(h)
        return torch.stack(outputs, 1), h, c

    def _step(self, projected: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        product = self.recurrent(h)
        if self.cell == "elman":
            return torch.tanh(projected + product), c
        if self.cell == "lstm":
            i, f, g, o = (projected + product).chunk(4, -1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(c), c
        (xr, xz, xn), (hr, hz, hn) = projected.chunk(3, -1), product.chunk(3, -1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        n = torch.tanh(xn + r * (hn + self.recurrent_bias))
        return (1 - z) * n + z * h, c

    def canonical(self) -> Canonical:
        found = {
            **self.inputs.canonical(self.name),
            f"{self.name}.recurrent": Entry(self.recurrent.weight, transposed=True),
        }
        if self.cell == "gru":
            found[f"{self.name}.recurrent_bias"] = Entry(self.recurrent_bias)
        return found


class LoopedRecurrent(nn.Module):
    """For torch.compile, which does not look into the fused layers, and for bf16, where they
    would keep the state itself in bfloat16."""

    def __init__(self, spec: Recurrent, bf16: bool) -> None:
        super().__init__()
        self.spec = spec
        self.layers = [LoopedLayer(spec, index, bf16) for index in range(spec.layers)]
        self.registered = nn.ModuleList(self.layers)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        zeros = x.new_zeros(self.spec.layers, x.shape[0], self.spec.hidden)
        h, c = (
            (state if self.spec.cell == "lstm" else (state, zeros))
            if state is not None
            else (zeros, zeros)
        )
        last_h, last_c = [], []
        for layer, h_start, c_start in zip(self.layers, h, c, strict=True):
            x, h_end, c_end = layer(x, h_start, c_start)
            last_h.append(h_end)
            last_c.append(c_end)
        last = torch.stack(last_h)
        return x, (last, torch.stack(last_c)) if self.spec.cell == "lstm" else last

    def canonical(self) -> Canonical:
        return {name: entry for layer in self.layers for name, entry in layer.canonical().items()}
