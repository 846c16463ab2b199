"""Render a documentation set to HTML, and reformat it as Markdown (README: tables, footnotes)."""

import hashlib
import random

import mistune
from mistune.renderers.markdown import MarkdownRenderer

random.seed(5)
WORDS_TEXT = """
lorem ipsum *dolor* sit **amet** `code` [link](http://a.example/x) adipiscing elit sed_do
<b>x</b> https://b.example
"""
WORDS = WORDS_TEXT.split()


def para(n):
    return " ".join(random.choices(WORDS, k=n))


def page(i):
    out = [f"# Page {i}", "", para(60), "", "## Items", ""]
    out += [f"- {para(9)}\n    - {para(5)}" for _ in range(8)]
    out += [
        "",
        "> " + para(30),
        "> - " + para(4),
        "",
        "```python",
        *[f"x = f({k})" for k in range(20)],
        "```",
        "",
    ]
    out += ["| a | b | c |", "|---|:-:|--:|"] + [
        f"| {para(2)} | {para(1)} | {k} |" for k in range(12)
    ]
    out += [
        "",
        "1. " + para(6),
        "2. " + para(6),
        "",
        "[^1]: " + para(5),
        "",
        "text[^1] ~~gone~~ ",
        "",
    ]
    return "\n".join(out)


pages = [page(i) for i in range(70)]
html = mistune.create_markdown(
    escape=False, plugins=["strikethrough", "footnotes", "table", "url", "task_lists"]
)
again = mistune.create_markdown(renderer=MarkdownRenderer())
digest = hashlib.sha256()
for p in pages:
    digest.update(html(p).encode())
    digest.update(again(p).encode())
print(digest.hexdigest())
