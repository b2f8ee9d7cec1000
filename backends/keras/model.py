"""The layer vocabulary in Keras: a functional model whose recurrent states go in and out."""

from typing import Any

import keras

from compare.contracts import Unsupported
from compare.spec import Dense, Embedding, ModelSpec, Recurrent

Variables = dict[str, Any]
"""keras.Variable by canonical parameter name"""


class Model:
    """`model([tokens, *states]) -> [logits, *states]`, and what is known about it.

    `carries` says of each state whether the next training batch starts from it.
    """

    def __init__(self, spec: ModelSpec, batch: int, length: int) -> None:
        self.variables: Variables = {}
        self.carries: list[bool] = []
        self.widths: list[int] = []
        self._states_in: list[Any] = []
        self._states_out: list[Any] = []
        self.batch = batch
        tokens = keras.Input((length,), batch_size=batch, dtype="int32")
        x = tokens
        for layer in spec.layers:
            x = self._add(layer, x)  # (batch, time, width)
        self.keras = keras.Model([tokens, *self._states_in], [x, *self._states_out])

    def trainable(self) -> list[Any]:
        """The variables in canonical order."""
        return list(self.variables.values())

    @staticmethod
    def outputs(found: Any) -> list[Any]:
        """[logits, *states] of a call: Keras gives a model's only output without its list."""
        return list(found) if isinstance(found, list | tuple) else [found]

    def zero_states(self) -> list[Any]:
        return [keras.ops.zeros((self.batch, width)) for width in self.widths]

    def _add(self, spec: object, x: Any) -> Any:
        match spec:
            case Embedding():
                embedding = keras.layers.Embedding(spec.vocab, spec.dim)
                y = embedding(x)
                self.variables[f"{spec.name}.table"] = embedding.embeddings
                return y
            case Dense():
                dense = keras.layers.Dense(spec.outputs)
                # One flat product: XLA on a CPU runs a rank-3 one at four fifths of the speed.
                flat = dense(keras.ops.reshape(x, (-1, spec.inputs)))
                y = keras.ops.reshape(flat, (*x.shape[:-1], spec.outputs))
                self.variables[f"{spec.name}.kernel"] = dense.kernel
                self.variables[f"{spec.name}.bias"] = dense.bias
                return y
            case Recurrent(cell="elman"):
                for index in range(spec.layers):
                    x = self._elman(spec, index, x)
                return x
        raise Unsupported(f"layer {spec!r}")

    def _elman(self, spec: Recurrent, index: int, x: Any) -> Any:
        # Unrolled: the loop over time costs more than these small cells.
        rnn = keras.layers.SimpleRNN(
            spec.hidden, return_sequences=True, return_state=True, unroll=True
        )
        start = keras.Input((spec.hidden,), batch_size=self.batch)
        y, end = rnn(x, initial_state=start)
        self._states_in.append(start)
        self._states_out.append(end)
        self.carries.append(spec.carry_state)
        self.widths.append(spec.hidden)
        for part, variable in zip(("kernel", "recurrent", "bias"), rnn.weights, strict=True):
            self.variables[f"{spec.name}.{index}.{part}"] = variable
        return y
