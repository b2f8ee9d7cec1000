"""What a report format and an exporter implement, and writing reports into a run's folder.

Begin with `contract.py`. `loading.py` finds the formats that are installed, `writing.py` lets them
write, `showing.py` prints those that have no file.

May import: `archive`, `findings`, `records`, and the ground.
"""
