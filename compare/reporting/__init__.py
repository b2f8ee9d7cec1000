"""What a report format and an exporter implement, and writing reports into a run's folder.

Begin with `contract.py`. `loading.py` finds the formats that are installed, `writing.py` lets them
write, `linking.py` finds what they wrote, `showing.py` prints those that have no file.
`diff_words.py` has the words of a diff.

May import: `archive`, `findings`, `records`, and the ground.
"""
