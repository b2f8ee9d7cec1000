"""The pages of `compare serve`.

Begin with `site.py`: from the path of an address to a page or file. `pages.py` are those that no
report format writes, `server.py` is the socket and the headers.

May import: `reporting`, `archive`, and what is below them.
"""
