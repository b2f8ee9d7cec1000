"""The layer vocabulary as torch modules, and the model that chains them.

Each layer is called as `layer(x, state)` and returns `(y, new state)`; only recurrent layers
have a state. `canonical()` pairs each canonical parameter name with the module's own tensor
and whether that tensor is stored transposed.
"""

import torch
from torch import Tensor, nn

from compare.contracts import Unsupported
from compare.spec import Dense, Embedding, ModelSpec, Recurrent

State = Tensor | None
Canonical = dict[str, tuple[Tensor, bool]]


class EmbeddingLayer(nn.Module):
    def __init__(self, spec: Embedding) -> None:
        super().__init__()
        self.name = spec.name
        self.embedding = nn.Embedding(spec.vocab, spec.dim)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.embedding(x), state  # (batch, time) -> (batch, time, dim)

    def canonical(self) -> Canonical:
        return {f"{self.name}.table": (self.embedding.weight, False)}


class DenseLayer(nn.Module):
    def __init__(self, spec: Dense) -> None:
        super().__init__()
        self.name = spec.name
        self.linear = nn.Linear(spec.inputs, spec.outputs)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.linear(x), state

    def canonical(self) -> Canonical:
        return {
            f"{self.name}.kernel": (self.linear.weight, True),
            f"{self.name}.bias": (self.linear.bias, False),
        }


class FusedElman(nn.Module):
    """nn.RNN: torch's own fused loop (cuDNN on a GPU)."""

    def __init__(self, spec: Recurrent) -> None:
        super().__init__()
        self.spec = spec
        self.rnn = nn.RNN(spec.inputs, spec.hidden, spec.layers, batch_first=True)
        # torch adds two biases; trained, their sum would move twice as far. Freeze one at zero.
        for index in range(spec.layers):
            bias = getattr(self.rnn, f"bias_hh_l{index}")
            nn.init.zeros_(bias)
            bias.requires_grad_(False)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, last = self.rnn(x, state)  # (batch, time, hidden), (layers, batch, hidden)
        return y, last

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for index in range(self.spec.layers):
            name = f"{self.spec.name}.{index}"
            found[f"{name}.kernel"] = (getattr(self.rnn, f"weight_ih_l{index}"), True)
            found[f"{name}.recurrent"] = (getattr(self.rnn, f"weight_hh_l{index}"), True)
            found[f"{name}.bias"] = (getattr(self.rnn, f"bias_ih_l{index}"), False)
        return found


class ElmanLoop(nn.Module):
    """The same as a loop over time, for torch.compile, which does not look into nn.RNN."""

    def __init__(self, spec: Recurrent) -> None:
        super().__init__()
        self.spec = spec
        widths = [spec.inputs] + [spec.hidden] * (spec.layers - 1)
        self.inputs: list[nn.Linear] = [nn.Linear(width, spec.hidden) for width in widths]
        self.recurrents = [nn.Linear(spec.hidden, spec.hidden, bias=False) for _ in widths]
        self.registered = nn.ModuleList(self.inputs + self.recurrents)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        if state is None:
            state = x.new_zeros(self.spec.layers, x.shape[0], self.spec.hidden)
        last = []
        for index, (inputs, recurrent) in enumerate(zip(self.inputs, self.recurrents, strict=True)):
            projected = inputs(x)  # all time steps at once: (batch, time, hidden)
            h, outputs = state[index], []
            for step in projected.unbind(1):
                h = torch.tanh(step + recurrent(h))
                outputs.append(h)
            x = torch.stack(outputs, 1)
            last.append(h)
        return x, torch.stack(last)

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for index, (inputs, recurrent) in enumerate(zip(self.inputs, self.recurrents, strict=True)):
            name = f"{self.spec.name}.{index}"
            found[f"{name}.kernel"] = (inputs.weight, True)
            found[f"{name}.recurrent"] = (recurrent.weight, True)
            found[f"{name}.bias"] = (inputs.bias, False)
        return found


class Model(nn.Module):
    """The layers of a ModelSpec one after the other; states in a list, one per layer."""

    def __init__(self, spec: ModelSpec, compiled: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_layer(layer, compiled) for layer in spec.layers)

    def forward(self, x: Tensor, states: list[State]) -> tuple[Tensor, list[State]]:
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            x, state = layer(x, state)
            after.append(state)
        return x, after

    def zero_states(self) -> list[State]:
        return [None] * len(self.layers)

    def canonical(self) -> Canonical:
        found: Canonical = {}
        for layer in self.layers:
            found.update(layer.canonical())  # type: ignore[operator]
        return found


def _layer(spec: object, compiled: bool) -> nn.Module:
    match spec:
        case Embedding():
            return EmbeddingLayer(spec)
        case Dense():
            return DenseLayer(spec)
        case Recurrent(cell="elman"):
            return ElmanLoop(spec) if compiled else FusedElman(spec)
    raise Unsupported(f"layer {spec!r}")
