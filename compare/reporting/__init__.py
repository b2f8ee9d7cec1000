"""What a report format and an exporter implement, and writing reports into a run's folder.

Begin with `contract.py`. `loading.py` finds the formats that are installed, `writing.py` lets them
write, `linking.py` finds what they wrote.

May import: `archive`, `findings`, `records`, and the ground.
"""
