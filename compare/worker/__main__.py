"""`python -m compare.worker`: how the conductor starts a worker."""

from compare.worker.answering import main

main()
