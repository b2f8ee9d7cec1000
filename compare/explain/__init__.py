"""Why a trained model answers as it does, asked alike of every framework.

Begin with `explaining.py`: it has several backends asked at once (`asking.py`) about variants of
trained models (`variants.py`, `model.py`: logits and gradients, which every adapter gives) and
makes of the answers, in NumPy and once for all, the attributions of `methods.py` and `shapley.py`.
`subjects.py` tells what is explained of which text. Whether frameworks explain alike is in
`agreement.py`, whether rightly in `truth.py` (where the data's rule is known) and `faithfulness.py`
(by leaving words out); `inside.py` looks at activations and weights, `attention.py` at maps.
What comes out is kept as `records` has it; `proof.py` holds float64 against the oracle.

May import: `running`, `planning`, `archive`, and what is below them.
"""
