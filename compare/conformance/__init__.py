"""The kit that tells an adapter's author what is right and wrong, against an oracle.

Begin with `checks.py`, which lists the checks and makes them in a worker, on a `bench.py`:
`contract_checks.py` and `numeric_checks.py` are what they do, `cases.py` the experiments that they
do it on. `deviation.py` holds numbers against each other, `finding.py` is what a check found,
`explaining.py` says which failure explains which, `hints.py` what is usually behind it,
`causes.py` puts together what is of one cause; `adapter_errors.py` tells of an adapter that does
not fit the contract.

May import: `contracts`, `spec`, and the ground.
"""
