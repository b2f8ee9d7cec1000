"""The kit that tells an adapter's author what is right and wrong, against an oracle.

Begin with `checks.py`, which runs in a worker; `cases.py` has the experiments that it tries,
`allclose.py` how numbers are held against each other, `hints.py` the usual causes of what fails,
`causes.py` which of them are of one cause, `adapter_errors.py` what is said of an adapter that does
not fit the contract.

May import: `contracts`, `spec`, and the ground.
"""
