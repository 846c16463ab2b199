"""Research notes: files of others, read as text and cut into passages that can be cited.

Whatever a note says is data: it is kept and cited, never followed, run or rendered.
"""
