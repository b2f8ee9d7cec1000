"""The pages of `compare serve`.

Begin with `site.py`: from the path of an address, which `addresses.py` reads, to a page or file.
`points.py` is where the points of a sweep stand, `index.py` is the list of runs,
`lines.py` what it shows of each, `played.py` which of them are being played; `together.py` shows
several at once; `pages.py` frames all pages, `server.py` is the socket and the headers.

May import: `reporting`, `archive`, and what is below them.
"""
