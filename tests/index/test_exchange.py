"""Memories between machines: sealed, masked, and never believed."""

from __future__ import annotations

import ast
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from index import jsonl
from index.errors import ExchangeError
from index.exchange import export, import_
from index.masking import masked
from index.record import Record, Step, workspace_provenance
from index.store import Memory
from tests.index.conftest import make_record

CORPORA = sorted((Path(__file__).resolve().parents[2] / "index" / "corpus").glob("*.jsonl"))


def mine(**changes: object) -> Record:
    """A record that was learnt here."""
    given = {"provenance": workspace_provenance("w", "app/secret_plans.py", "rank_offers")}
    return replace(make_record(1, polarity="accepted"), **{**given, **changes})  # type: ignore[arg-type]


def test_what_was_learnt_goes_over_and_is_a_claim_there(memory: Memory, tmp_path: Path) -> None:
    own = mine(
        purpose="ranks offers",
        steps=(Step("one", "first", "def f(): pass\n", 1.5, {"decision": "faster"}),),
        sizes=((10, 1.5), (100, 2.5)),
        requires=("numpy",),
        rule="membership-set",
    )
    memory.add_all([own, make_record(2)])
    assert export(memory, tmp_path / "out.jsonl") == 1, "the corpus is everywhere already"
    with Memory(tmp_path / "other.db") as other:
        assert import_(other, tmp_path / "out.jsonl") == 1
        assert import_(other, tmp_path / "out.jsonl") == 1
        (got,) = other.all()
        assert got.provenance == f"import:{own.provenance}"
        assert not got.proved
        assert replace(got, provenance=own.provenance, id=own.id) == own
        assert other.titles("workspace:w:", "accepted") == frozenset()


def test_without_source_no_code_and_no_name_goes_over(memory: Memory, tmp_path: Path) -> None:
    receipt = {
        "path": "app/secret_plans.py", "function": "rank_offers", "decision": "faster",
        "ratio": 2.0, "reason": "2.0x", "verdict": {"counterexample": "rank_offers(1)"},
        "notes": ["secret_plans"], "environment": {"python": "/x/secret_plans", "cores": 2},
    }  # fmt: skip
    own = mine(
        slow="def rank_offers(): return 1 + 0\n",
        fast="def rank_offers(): return 1\n",
        facts="a loop",
        purpose="ranks the offers of secret_plans",
        receipt=receipt,
        steps=(Step("one", "first", "def rank_offers(): return 1\n", 2.0, receipt),),
    )
    memory.add(own)
    export(memory, tmp_path / "out.jsonl", source=False)
    text = (tmp_path / "out.jsonl").read_text()
    assert "rank_offers" not in text
    assert "secret_plans" not in text
    with Memory(tmp_path / "other.db") as other:
        import_(other, tmp_path / "out.jsonl")
        (got,) = other.all()
        assert (got.slow, got.fast, got.title, got.edit) == ("", "", own.title, own.edit)
        assert got.facts == "a loop", "it can't be read again"
        assert got.receipt == {
            "decision": "faster", "ratio": 2.0, "reason": "2.0x", "environment": {"cores": 2},
        }  # fmt: skip


@pytest.mark.parametrize(
    ("notice", "kept"),
    [
        ("MIT: secret_plans", "MIT"),
        ("the repository's own: secret_plans, commit 0123: speed up rank_offers",
         "the repository's own"),
        ("secret_plans, commit 0123: speed up rank_offers", ""),
        ("rank_offers", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_without_source_a_notice_is_its_licence(
    memory: Memory, tmp_path: Path, notice: str, kept: str
) -> None:
    needs = ("python>=3.10", "numpy", "pandas>=2.0", "secret_plans", "secret_plans>=1", "? rank")
    memory.add(mine(notice=notice, requires=needs))
    export(memory, tmp_path / "out.jsonl", source=False)
    text = (tmp_path / "out.jsonl").read_text()
    assert "secret_plans" not in text
    assert "rank" not in text
    (record,) = jsonl.read(tmp_path / "out.jsonl")
    assert record.notice == kept
    assert record.requires == needs[:3]


def test_what_the_corpus_requires_is_no_secret(memory: Memory, tmp_path: Path) -> None:
    needs = {need for path in CORPORA for record in jsonl.read(path) for need in record.requires}
    memory.add(mine(requires=tuple(sorted(needs))))
    export(memory, tmp_path / "out.jsonl", source=False)
    assert set(jsonl.read(tmp_path / "out.jsonl")[0].requires) == needs


def test_records_without_source_of_two_functions_stay_two(memory: Memory, tmp_path: Path) -> None:
    memory.add_all(
        replace(mine(), id=f"{n}", provenance=workspace_provenance("w", "a.py", f"f{n}"))
        for n in range(2)
    )
    export(memory, tmp_path / "out.jsonl", source=False)
    with Memory(tmp_path / "other.db") as other:
        assert import_(other, tmp_path / "out.jsonl") == 2
        assert len(other.all()) == 2


def test_secrets_are_masked_everywhere(memory: Memory, tmp_path: Path) -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    own = mine(
        slow=f"def f():\n    return '{key}'\n",
        edit=f"do not log {key}",
        receipt={"notes": [f"called with {key}"], "verdict": {"deep": [{"call": key}]}},
        steps=(Step(key, key, f"x = '{key}'\n", None, {"notes": [key]}),),
    )
    memory.add(own)
    export(memory, tmp_path / "out.jsonl")
    text = (tmp_path / "out.jsonl").read_text()
    assert key not in text
    assert text.count("<masked AWS key>") == 8


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("token = 'ghp_" + "a1B2" * 9 + "'", "ghp_"),
        ('password = "correct horse"', "correct horse"),
        ("API_KEY: str = 'abc123def456'", "abc123def456"),
        ("config['secret_key'] = 'zzz-yyy-xxx'", "zzz-yyy-xxx"),
        ('{"client_secret": "0123456789abcdef"}', "0123456789abcdef"),
        ("postgres://app:hunter22@db/prod", "hunter22"),
        ("headers = {'Authorization': 'Bearer abcdefghijklmnopqrst'}", "abcdefghijklmnopqrst"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("k = 'sk-proj-" + "Q" * 40 + "'", "QQQQ"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig", "eyJzdWI"),
    ],
)
def test_known_secrets_are_masked(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in masked(text)
    assert "<masked " in masked(text)
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "def tokens(text):\n    return text.split()\n",
        "password = input()\n",
        "for token in stream:\n    counts[token] += 1\n",
        "secret = os.environ['APP_SECRET']",
        "url = 'https://example.org/a:b@c'",
        "key = 'name'",
    ],
)
def test_plain_code_is_left_alone(text: str) -> None:
    assert masked(text) == text


# -- files of anyone


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "a record is an object"),
        ('{"id": "x"}', "exactly the keys"),
        ("title=7", "title is no text"),
        ("title='\\ud800'", "half a surrogate"),
        ("polarity='great'", "polarity is one of"),
        ("ratio='2'", "ratio is"),
        ("ratio=-1", "ratio is"),
        ("receipt='x'", "receipt is"),
        ("steps='x'", "steps, sizes and requires are lists"),
        ("steps=[{'title': 't'}]", "a step has exactly"),
        (
            "steps=[{'title': 1, 'edit': '', 'code': '', 'ratio': None, 'receipt': None}]",
            "a step's",
        ),
        ("steps=[{}] * 1000", "more than"),
        ("sizes=[[1]]", "a size is a pair"),
        ("sizes=[[1, 'x']]", "a size is a pair"),
        ("requires=[1]", "a requirement is no text"),
        ("requires=['python>=" + "1" * 5000 + "']", "a requirement is longer"),
        (f"ratio={10**400}", "ratio is a positive number below"),
        (f"sizes=[[{10**400}, 2]]", "a size is a pair"),
        (f"sizes=[[2, {10**400}]]", "a size is a pair"),
        (f"receipt={{'a': {-(10**400)}}}", "receipt holds a number"),
        ("receipt={'a': ['\\ud800']}", "receipt holds half a surrogate"),
        ("receipt={'\\ud800': 1}", "receipt holds half a surrogate"),
        ("receipt=" + "{'a': " * 60 + "[" * 60 + "]" * 60 + "}" * 60, "receipt is nested deeper"),
        ('{"ratio": NaN}', "no JSON: NaN is no number"),
        ('{"receipt": {"a": [-Infinity]}}', "no JSON: -Infinity is no number"),
    ],
)
def test_malformed_import_changes_nothing(
    memory: Memory, tmp_path: Path, line: str, what: str
) -> None:
    good = json.loads(jsonl.dump(make_record(1)))
    if "=" in line.split("{", 1)[0]:
        key, value = line.split("=", 1)
        made = [{}] * 1000 if "*" in value else ast.literal_eval(value)
        line = json.dumps({**good, key: made})
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(good) + "\n\n" + line + "\n")
    with pytest.raises(ExchangeError, match=what) as caught:
        import_(memory, path)
    assert f"{path}:3" in caught.value.message
    assert memory.all() == ()


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("ratio", 7777, "ratio is a positive number below"),
        ("sizes", [[10, 7777]], "a size is a pair"),
        ("receipt", {"a": [{"b": 7777}]}, "receipt holds a number"),
    ],
)
@pytest.mark.parametrize("number", ["1e999", "1" + "0" * 400])
def test_numbers_that_no_float_holds_are_refused(
    memory: Memory, tmp_path: Path, key: str, value: object, what: str, number: str
) -> None:
    line = json.dumps({**json.loads(jsonl.dump(make_record(1))), key: value})
    (tmp_path / "in.jsonl").write_text(line.replace("7777", number) + "\n")
    with pytest.raises(ExchangeError, match=what) as caught:
        import_(memory, tmp_path / "in.jsonl")
    assert f"{tmp_path / 'in.jsonl'}:1" in caught.value.message
    assert memory.all() == ()


def test_a_steps_receipt_is_bounded_too(memory: Memory, tmp_path: Path) -> None:
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep}
    step = {"title": "t", "edit": "e", "code": "c", "ratio": 1.0, "receipt": deep}
    line = {**json.loads(jsonl.dump(make_record(1))), "steps": [step]}
    (tmp_path / "in.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(ExchangeError, match="a step's receipt is nested deeper than 100") as caught:
        import_(memory, tmp_path / "in.jsonl")
    assert f"{tmp_path / 'in.jsonl'}:1" in caught.value.message


def sealed(path: Path) -> list[str]:
    jsonl.write(path, [make_record(n) for n in range(3)])
    return path.read_text().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda lines: lines[:-1], "cut off"),
        (lambda lines: lines[1:], "changed since"),
        (lambda lines: [lines[0].replace("title 0", "title X"), *lines[1:]], "changed since"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "changed since"),
        (lambda lines: [*lines, lines[0]], "more behind"),
        (lambda lines: [*lines[:-1], '{"sealed": {"format": 99}}\n'], "newer hasten"),
        (lambda lines: [*lines[:-1], '{"sealed": 7}\n'], "changed since"),
    ],
)
def test_a_file_that_was_changed_is_not_imported(
    memory: Memory, tmp_path: Path, change: object, what: str
) -> None:
    path = tmp_path / "in.jsonl"
    lines = sealed(path)
    path.write_text("".join(change(lines)))  # type: ignore[operator]
    with pytest.raises(ExchangeError, match=what):
        import_(memory, path)
    assert memory.all() == ()


def test_a_file_of_the_first_format_is_read(memory: Memory, tmp_path: Path) -> None:
    first = (
        "id", "language", "slow", "fast", "title", "bottleneck", "edit", "ratio", "polarity",
        "provenance", "receipt", "created",
    )  # fmt: skip
    values = asdict(make_record(1))
    (tmp_path / "in.jsonl").write_text(json.dumps({name: values[name] for name in first}) + "\n")
    assert import_(memory, tmp_path / "in.jsonl") == 1


def test_missing_import_and_bad_export_are_clear(memory: Memory, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="can't be read"):
        import_(memory, tmp_path / "none.jsonl")
    with pytest.raises(ExchangeError, match="can't be written"):
        export(memory, tmp_path / "none" / "out.jsonl")


def test_imported_ids_are_computed_not_believed(memory: Memory, tmp_path: Path) -> None:
    own = make_record(1)
    memory.add(own)
    jsonl.write(tmp_path / "in.jsonl", [replace(make_record(2), id=own.id)])
    import_(memory, tmp_path / "in.jsonl")
    assert memory.get(own.id) == own
    assert len(memory.all()) == 2
