"""Why a trained model answers as it does, asked alike of every framework.

Begin with `explaining.py`: it lets workers answer questions about variants of trained models
(`variants.py`, `model.py`: logits and gradients, which every adapter gives) and makes of the
answers, in NumPy and once for all, the attributions of `methods.py` and `shapley.py`.
`subjects.py` tells what is explained of which text. Whether frameworks explain alike is in
`agreement.py`, whether rightly in `truth.py` (where the data's rule is known) and `faithfulness.py`
(by leaving words out); `inside.py` looks at activations and weights, `attention.py` at maps.
`found.py` is what comes out, and how it is kept; `proof.py` holds float64 against the oracle.

May import: `running`, `planning`, `archive`, and what is below them.
"""
