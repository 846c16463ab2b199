"""Sections to passages: their size, where they are cut, and that they say what the section says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.notes.chunking import LEAST, MOST, passages_of, words_in
from index.notes.parts import Block, Heading, Section, sections_of
from tests.index.notes.conftest import sentences


def texts(*blocks: Block) -> list[str]:
    return [text for _, text, _ in passages_of([Section("s", blocks)])]


def prose(count: int, line: int = 1) -> Block:
    return Block(sentences(count), line)


def test_paragraphs_are_put_together_until_they_are_enough() -> None:
    assert [words_in(text) for text in texts(*(prose(7) for _ in range(6)))] == [140] * 3


def test_they_are_parted_by_an_empty_line() -> None:
    assert texts(Block("one", 1), Block("two", 3)) == ["one\n\ntwo"]


def test_items_follow_each_other_without_one() -> None:
    assert texts(Block("- one", 1), Block("- two", 2, tight=True)) == ["- one\n- two"]


def test_a_long_paragraph_is_cut_evenly_at_sentences() -> None:
    parts = texts(prose(50))
    assert " ".join(parts) == sentences(50)
    assert all(part.startswith("Sentence") and part.endswith(".") for part in parts)
    assert all(LEAST <= words_in(part) <= MOST for part in parts)


def test_a_short_end_belongs_to_what_is_before_it() -> None:
    assert len(texts(prose(20), Block("And that was all.", 9))) == 1


def test_code_stays_whole_up_to_a_bound() -> None:
    code = "\n".join(f"total += values[{n}] * weights[{n}]" for n in range(80))
    whole = texts(prose(12), Block(code, 5, code=True))
    assert whole[-1] == code


def test_code_stays_with_the_short_paragraph_that_introduces_it() -> None:
    code = "\n".join(f"total += values[{n}]" for n in range(80))
    assert texts(Block("This is slow:", 1), Block(code, 3, code=True)) == [
        f"This is slow:\n\n{code}"
    ]


def test_longer_code_is_cut_at_empty_lines() -> None:
    function = "def f():\n    return 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9"
    parts = texts(Block("\n\n".join([function] * 60), 1, code=True))
    assert len(parts) > 1
    assert all(part.startswith("def f") and part.endswith("9") for part in parts)


def test_a_piece_knows_its_own_line() -> None:
    lines = [f"Line {n} says that some words of it are here." for n in range(100)]
    passages = list(passages_of([Section("", (Block("\n".join(lines), 7),))]))
    for _, text, line in passages:
        assert lines[line - 7].startswith(text.split("\n")[0])


def test_no_passage_spans_two_sections() -> None:
    parts = [Heading(1, "A", 1), Block("a", 2), Heading(2, "B", 3), Block("b", 4)]
    parts += [Heading(1, "C", 5), Block("c", 6)]
    found = list(passages_of(sections_of(parts)))
    assert found == [("A", "a", 2), ("A > B", "b", 4), ("C", "c", 6)]


def test_text_without_spaces_is_cut_too() -> None:
    parts = texts(Block("x" * 100_000, 1))
    assert "".join(parts) == "x" * 100_000
    assert max(map(words_in, parts)) <= MOST


def test_chinese_is_cut_at_its_sentences() -> None:
    sentence = "这个循环很慢因为它每次都复制整个列表。"
    parts = texts(Block(sentence * 300, 1))
    assert "".join(parts) == sentence * 300
    assert all(part.endswith("。") for part in parts)


blocks = st.builds(
    Block,
    st.text(st.sampled_from("ab .!?\n中\t"), max_size=3000),
    st.integers(1, 9),
    code=st.booleans(),
    tight=st.booleans(),
)


@given(st.lists(blocks, max_size=6))
def test_nothing_is_lost_added_or_moved(found: list[Block]) -> None:
    said = "".join("".join(text.split()) for text in texts(*found))
    assert said == "".join("".join(block.text.split()) for block in found)


@given(st.lists(blocks, max_size=6))
def test_no_passage_is_far_too_long(found: list[Block]) -> None:
    assert all(words_in(text) <= 3 * MOST for text in texts(*found))
