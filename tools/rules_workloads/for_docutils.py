"""Calls of Docutils's functions that its tests do not make."""

import tempfile
from pathlib import Path

from attempts import attempt
from docutils.core import publish_doctree
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils.math.math2html import math2html
from docutils.writers import latex2e, s5_html

REPORT = """\
A report
========

:Author: Jane Doe
:Date: 2024-05-01

.. contents::

"""
SECTION = """
Part {0}
--------

See `part {0}`_ and `the site <https://www.example.org/{0}>`_, [1]_ and *more* ``code``.

.. [1] A footnote.

======  ======
Width   Height
======  ======
{0}     12
======  ======

::

    area = {0} * 12

"""
FORMULAS = [
    r"x = 1 \text{ if the value is positive, and } 2 \text{ otherwise}",
    r"\textrm{area} = \textbf{width} \times \textit{height in metres}",
    r"\text{price with $x^2$ and \alpha{} of } \mbox{a longer text, for {nested} braces}",
    r"f(n) = \begin{cases} n/2 & \text{for even n} \\ 3n+1 & \text{for odd n} \end{cases}",
    r"\text{" + "the quick brown fox jumps over the lazy dog " * 8 + "}",
]


def read(text, writer, **changes):
    """The document of a text, with the settings of a writer."""
    settings = get_default_settings(Parser(), writer)
    settings.warning_stream = False
    for name, value in changes.items():
        setattr(settings, name, value)
    document = publish_doctree(text, settings=settings)
    document.transformer = None
    return document


def latex():
    for parts, changes in (
        (0, {}),
        (1, {"use_latex_citations": True, "legacy_column_widths": False}),
        (5, {"documentoptions": "a4paper,DIV=12", "font_encoding": "OT1,T1,LY1"}),
        (20, {"language_code": "de", "literal_block_env": "lstlisting[language=Python]"}),
        (40, {"hyperlink_color": "false", "latex_footnotes": True, "output_encoding": "latin-1"}),
        (60, {"stylesheet": "docutils,extra.sty", "use_bibtex": "plain,refs"}),
    ):
        text = REPORT + "".join(SECTION.format(part) for part in range(parts))
        document = attempt(read, text, latex2e.Writer(), **changes)
        attempt(latex2e.LaTeXTranslator, document)


def slides(folder):
    for theme in ("default", "small-white", "big-black", "medium-black", "small-black"):
        output = folder / theme / "slides.html"
        changes = {"theme": theme, "output_path": str(output), "embed_stylesheet": False}
        text = REPORT + "".join(SECTION.format(part) for part in range(4))
        document = attempt(read, text, s5_html.Writer(), **changes)
        attempt(s5_html.S5HTMLTranslator, document)


def main():
    for formula in FORMULAS:
        attempt(math2html, formula)
    latex()
    with tempfile.TemporaryDirectory() as folder:
        slides(Path(folder))


if __name__ == "__main__":
    main()
