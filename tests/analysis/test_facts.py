from __future__ import annotations

import textwrap
from collections import Counter

import pytest

from analysis import facts as module
from analysis import names, syntax
from analysis.facts import VOCABULARY, facts_of_text, static_facts
from analysis.functions import functions_in
from analysis.languages.javascript import facts as javascript
from analysis.languages.native import facts as native


def facts(body, head="def subject(rows, other: list, s: str, n):"):
    text = "import re, copy\n\n" + head + "\n" + textwrap.indent(textwrap.dedent(body), "    ")
    return static_facts(text, functions_in(text, "m.py")[0])


@pytest.mark.parametrize(
    ("word", "body"),
    [
        ("list-membership-in-loop", "seen = []\nfor r in rows:\n    if r in seen: pass\n"),
        ("list-membership-in-loop", "return [r for r in rows if r in other]\n"),
        ("membership-in-loop", "for r in rows:\n    if r not in n: pass\n"),
        ("equality-join", "for r in rows:\n    for o in other:\n        if r.id == o.id: pass\n"),
        ("list-shift", "while other:\n    other.pop(0)\n"),
        ("list-shift", "other.insert(0, n)\n"),
        ("list-search", "return other.index(n)\n"),
        ("string-growth", "out = ''\nfor r in rows:\n    out += r\n"),
        ("string-growth", "for r in rows:\n    s = s + '!'\n"),
        ("list-growth", "for r in rows:\n    other = other + [r]\n"),
        ("recursion", "return subject(rows[1:], other, s, n)\n"),
        ("overlapping-recursion", "return subject(n - 1) + subject(n - 2)\n"),
        ("sort-in-loop", "for r in rows:\n    sorted(other)\n"),
        ("sort-for-extreme", "return sorted(rows)[0]\n"),
        ("sort-for-extreme", "return sorted(rows)[:3]\n"),
        ("aggregate-in-loop", "for r in rows:\n    x = max(other)\n"),
        ("slice-in-loop", "for i in rows:\n    x = other[i:]\n"),
        ("deepcopy", "return copy.deepcopy(rows)\n"),
        ("copy-in-loop", "for r in rows:\n    x = r.copy()\n"),
        ("regex-in-loop", "for r in rows:\n    re.sub('a', 'b', r)\n"),
        ("regex", "return re.match('a', s)\n"),
        ("list-for-aggregate", "return any([r for r in rows])\n"),
        ("list-for-aggregate", "return ','.join([r for r in rows])\n"),
        ("triple-loop", "for a in n:\n    for b in n:\n        for c in n: pass\n"),
        ("nested-loop", "return [a for a in rows for b in other]\n"),
        ("range-len", "for i in range(len(rows)): pass\n"),
        ("attribute-in-loop", "for r in rows:\n    n.a.b.c(r)\n"),
        ("invariant-call-in-loop", "for r in rows:\n    x = s.lower(n)\n"),
        ("exception-in-loop", "for r in rows:\n    try: r()\n    except KeyError: pass\n"),
        ("io-in-loop", "for r in rows:\n    print(r)\n"),
        ("io", "return open(s)\n"),
        ("format-in-loop", "for r in rows:\n    x = f'{r}'\n"),
        ("parse-in-loop", "for r in rows:\n    x = datetime.strptime(r, s)\n"),
        ("conversion-in-loop", "for r in rows:\n    x = set(other)\n"),
        ("scalar-frame-access", "for i, r in n.iterrows(): pass\n"),
        ("scalar-frame-access", "return n.iloc[0]\n"),
        ("scalar-array-access", "for i in rows:\n    for j in rows:\n        n[i, j] = 0\n"),
        ("object-in-loop", "for r in rows:\n    x = Point(r)\n"),
        ("dict-counting", "for r in rows:\n    n[r] += 1\n"),
        ("dict", "return n.items()\n"),
        ("set", "n.add(s)\n"),
        ("deque", "return deque(rows)\n"),
        ("heap", "heapq.heappush(n, s)\n"),
        ("sort", "rows.sort()\n"),
        ("comprehension", "return {r for r in rows}\n"),
        ("generator", "yield n\n"),
        ("while-loop", "while n: pass\n"),
        ("loop", "for r in rows: pass\n"),
        ("arithmetic-in-loop", "for r in rows:\n    x = r * n\n"),
        ("modulo-in-loop", "for r in rows:\n    x = r % n\n"),
    ],
)
def test_every_word_is_found(word, body):
    found = facts(body)
    assert word in found.words
    assert VOCABULARY[word] in found.sentence or len(found.words) > 4


def test_every_word_of_the_vocabulary_is_tested():
    (mark,) = (m for m in test_every_word_is_found.pytestmark if m.name == "parametrize")
    assert {word for word, _ in mark.args[1]} == set(VOCABULARY)


@pytest.mark.parametrize(
    ("word", "body"),
    [
        ("list-membership-in-loop", "if n in other: pass\n"),
        ("list-membership-in-loop", "for r in [x for x in other]: pass\n"),
        ("string-growth", "x = 0\nfor r in rows:\n    x += r\n"),
        ("aggregate-in-loop", "for r in sorted(rows):\n    x = max(r, n)\n"),
        ("sort-in-loop", "for r in sorted(rows): pass\n"),
        ("invariant-call-in-loop", "for r in rows:\n    x = s.find(r)\n"),
        ("recursion", "return other.subject(n)\n"),
        ("regex", "return other.match(n)\n"),
        ("equality-join", "for r in rows:\n    if r == n: pass\n"),
    ],
)
def test_what_is_not_there_is_not_found(word, body):
    assert word not in facts(body).words


def test_words_and_sentence_are_free_of_names_and_stable():
    body = "seen = []\nfor needle in rows:\n    if needle in seen: pass\n"
    found = facts(body)
    assert found == facts(body.replace("needle", "z").replace("seen", "haystack"))
    assert set(found.words) <= set(VOCABULARY)
    assert found.sentence.startswith("The time goes into membership tests against a list")


def test_straight_code_has_no_words():
    found = facts("return n\n")
    assert found.words == ()
    assert found.sentence == "Straight-line code without loops."


def test_decorated_methods_and_broken_files():
    text = "x = = 1\n\nclass A:\n    @a\n    @b\n    def f(self, n):\n"
    text += "        return self.f(n) + self.f(1)\n"
    (function,) = functions_in(text, "m.py")
    assert static_facts(text, function).words == ("overlapping-recursion",)


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        ("for r in rows:\n    x = s.find(n)\n", True),
        ("for r in rows:\n    x = f(r, g(n))\n", True),
        ("for r in rows:\n    x = f(g(r))\n", False),
        ("for r in rows:\n    f(n)\n", False),
        ("for r in rows:\n    x = f()\n", False),
        ("for r in rows:\n    x = f(n)\n    import n\n", False),
        ("for r in f(n): pass\n", False),
        ("for r in rows:\n    for q in f(n): pass\n", True),
        ("for r in rows:\n    for q in f(r): pass\n", False),
        ("while n:\n    x = f(self.a)\n    self.b = 1\n", True),
        ("while n:\n    x = f(self.a)\n    self.a = 1\n", False),
        ("return [f(n) for r in rows]\n", True),
        ("return [r for r in rows if f(r)]\n", False),
        ("for r in rows:\n    x = [f(r) for q in other]\n", True),
        ("for r in rows:\n    x = [f(q) for q in other]\n", False),
        ("for r in rows:\n    (a, (b, *c)), d[i] = r\n    x = f(c)\n", False),
        ("for r in rows:\n    (a, (b, *c)), d[i] = r\n    x = f(i)\n", True),
    ],
)
def test_calls_whose_operands_do_not_change(body, holds):
    assert ("invariant-call-in-loop" in facts(body).words) == holds


# -- code that is made to take long: what is counted is work, not time


def test_each_name_is_read_but_once(monkeypatch):
    seen, is_name = Counter(), names.is_name

    def counted(node, *around):
        seen[node.id] += 1
        return is_name(node, *around)

    monkeypatch.setattr(names, "is_name", counted)
    found = facts("for i in rows:\n    x = " + "f(" * 300 + "[i for j in n]" + ")" * 300 + "\n")
    assert "nested-loop" in found.words
    assert max(seen.values()) == 1


def test_of_texts_that_lie_in_each_other_so_much_is_read(monkeypatch):
    lengths, source = [], syntax.Tree.source

    def counted(tree, node):
        lengths.append(len(source(tree, node)))
        return source(tree, node)

    monkeypatch.setattr(syntax.Tree, "source", counted)
    facts("return " + "min(" * 6000 + "n" + ")" * 6000 + "\n")
    assert sum(lengths) < 3 * syntax.MOST_READ


@pytest.mark.parametrize(
    ("language", "path", "line"),
    [(native, "m.c", "int f{}(int n) {{ while (n) n--; }}\n"),
     (javascript, "m.js", "function f{}(n) {{ while (n) n--; }}\n")],
)  # fmt: skip
def test_a_file_is_read_once_for_all_its_functions(language, path, line, monkeypatch):
    read, parse = [], language.parse

    def counted(text, path):
        read.append(path)
        return parse(text, path)

    monkeypatch.setattr(language, "parse", counted)
    assert "while-loop" in facts_of_text("".join(map(line.format, range(50))), path).words
    assert len(read) == 1


def test_functions_in_each_other_are_read_up_to_a_bound(monkeypatch):
    read, plain = [], module.static_facts
    monkeypatch.setattr(module, "static_facts", lambda *of: read.append(of) or plain(*of))
    monkeypatch.setattr(module, "_MOST_IN_FILE", 3000)
    facts_of_text("function f(){\n" * 100 + "}" * 100, "m.js")
    assert 1 < len(read) < 10


def test_tokens_that_are_no_word_cost_their_length_once():
    text = "int f() { while (1) { if (" + "a" * 50_000 + ") { " + "b" * 50_000 + "; } } }"
    assert "while-loop" in facts_of_text(text, "m.c").words
