"""`python -m compare.worker`: how the conductor starts a worker."""

from compare.worker.worker import main

main()
