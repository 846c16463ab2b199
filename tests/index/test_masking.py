"""What is a secret, what is not, and that source stays source."""

from __future__ import annotations

import ast
import itertools
import json
import random
from pathlib import Path

import pytest

from index.masking import masked

ROOT = Path(__file__).resolve().parents[2]
SECRETS = [
    ('headers = {"X-Api-Key": "0123456789abcdef0123"}', "0123456789abcdef0123"),
    ('cfg["api-key"] = "0123456789abcdef"', "0123456789abcdef"),
    ('conn = "host=db user=app password=s3cr3tpass"', "s3cr3tpass"),
    ('conn = "user=app;password=correcthorse;x=1"', "correcthorse"),
    ('ok = password == "hunter2hunter2"', "hunter2"),
    ('ok = given != "x" and token != "a1b2c3d4"', "a1b2c3d4"),
    ('password = """hunter2hunter2"""', "hunter2"),
    ("password = '''two\nlines of it'''", "two"),
    ("password: str | None = 'hunter2hunter2'", "hunter2"),
    ('password: SecretStr = SecretStr("hunter2hunter2")', "hunter2"),
    ('PASSWORD = ("hunter2hunter2")', "hunter2"),
    ('PASSWORD = (\n    "hunter2hunter2"\n)', "hunter2"),
    ('password = "it\'s-hunter2"', "hunter2"),
    ('password = "a\\"b-hunter2"', "hunter2"),
    ('token = rb"hunter2hunter2"', "hunter2"),
    ("token = B'hunter2hunter2'", "hunter2"),
    ("SECRET_KEY = f'hunter2{x}hunter2'", "hunter2"),
    ('token = os.environ.get("TOKEN", "hunter2hunter2")', "hunter2"),
    ("key = os.getenv('API_KEY', 'hunter2hunter2')", "hunter2"),
    ('pwd = "hunter2hunter2"', "hunter2"),
    ("f(password='hunter2hunter2')", "hunter2"),
    ('x = \'{"password": "hunter2hunter2"}\'', "hunter2"),
    ('x = "{\\"password\\": \\"hunter2hunter2\\"}"', "hunter2"),
    ('# password = "hunter2hunter2"', "hunter2"),
    ("# connect with password=hunter2hunter2 there", "hunter2"),
    ("run('mysql --password hunter2hunter2')", "hunter2"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalr"),
    ("don't use password = 'hunter2hunter2'", "hunter2"),
    ("url = 'postgres://user:p@ss/w0rd@host/db'", "w0rd"),
    ("url = 'postgres://user:p@ss@host/db'", "ss@"),
    ("url = 'https://user:1234567@host:8080/db'", "1234567"),
    ("h = {'Authorization': 'Bearer abcdefghijklmnopqrst'}", "abcdefgh"),
    ("h = {'Authorization': 'abcdefghij0123456789'}", "abcdefgh"),
    ("run('curl -H \"Authorization: Bearer abcdefghijklmnopqrst\"')", "abcdefgh"),
    ("h = 'Bearer abcdefghijk0123456789'", "abcdefgh"),
    ("h = 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZTE='", "QWxh"),
]  # fmt: skip
NONE = [
    "basic = compute_basic_statistics(data)",
    "bearer = some_long_function_name_2(x)",
    "authorization = compute_authorization_header(req)",
    "x = basic\nstatistics_of_the_2nd_kind(x)",
    "# basic internationalization of names",
    "x = 'basic internationalization'",
    'print("password = " + x + "secret is")',
    'if token == "return":\n    pass',
    "names = ['password', 'username', 'Authorization', 'Proxy-Authorization']",
    "url = 'http://localhost:8080/users/me@example.com'",
    "url = 'https://registry.example/@scope/x:y'",
    "url = f'postgres://{user}:{password}@{host}'",
    "url = f'x://{user:>10}@host'",
    "url = 'postgres://user:%s@host'",
    "token = Sha256TokenGeneratorFactory",
    "access_key = numerator_of_the_2nd/denominator_of_it\n",
    "q = 'WHERE password = :password AND secret = ?'",
    "q = 'WHERE password = users.password_hash'",
    "q = 'UPDATE t SET password=new_password'",
    "password = '{password}'",
    "password = getpass.getpass('Your password here: ')",
    "class Token:\n    '''A token of the text.'''\n",
    "x = f(n // 2, password=passw0rd_of_it)",
    "x = y['secret_name']['another']",
    "x = basic in-of_the_2nd_kind_of_it",
    "c = a if password else 'nothing here'",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS, ids=range(len(SECRETS)))
def test_secrets_are_masked(text: str, secret: str) -> None:
    assert secret in text
    found = masked(text)
    assert secret not in found
    assert "<masked " in found
    assert masked(found) == found


@pytest.mark.parametrize("text", NONE, ids=range(len(NONE)))
def test_what_is_none_is_left_alone(text: str) -> None:
    assert masked(text) == text


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def test_source_stays_source() -> None:
    assert all(parses(masked(text)) for text, _ in SECRETS if parses(text))
    pieces = [
        "password", "token", "authorization", "Bearer ", "basic ", "=", ": ", "==", "(", ")", "'",
        '"', '"""', "hunter2hunter2", "aB3/dE5+fG7hJ9kL1mN", "# ", "\n", "{", "}", ",", "[", "]",
        "\\", "x://u:", "@h", "--", " ", "str", "it's", "get(", "1234567890",
    ]  # fmt: skip
    given = [f"{name}{how}" for name in pieces[:3] for how in ("=", ": str = ", " == ", "=(", "(")]
    rng, seen = random.Random(1), 0
    for _ in range(20_000):
        quote = rng.choice(("'", '"', '"""', "f'", 'rb"'))
        inside = "".join(rng.choices(pieces, k=rng.randrange(1, 5)))
        text = f"{rng.choice(given)}{quote}{inside}{quote.lstrip('fbr')}"
        text += "".join(rng.choices(pieces, k=rng.randrange(3)))
        if masked(text) != text and parses(text):
            seen += 1
            assert parses(masked(text)), text
    assert seen > 1000


def test_the_corpus_is_left_alone() -> None:
    for path in sorted((ROOT / "index" / "corpus" / "sources").rglob("*.txt")):
        text = path.read_text("utf-8")
        assert masked(text) == text, path
    for path in sorted((ROOT / "index" / "corpus").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            for value in json.loads(line).values():
                assert not isinstance(value, str) or masked(value) == value, path


HOSTILE = (
    "token", "a.", "a1", "-eyJ", '"\\', '"""', "'", 'password="', "token: ", "://a:", "basic ",
    "authorization:", "`", "password ", "--token ", "# ", "a", "-----BEGIN ", 'token["', "password",
    'get("token",', "password=", "x://{", '"token: str', "sk-", "xoxb-", "(", " ", "\\",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_longer_than_its_length_asks_for(piece: str) -> None:
    """With a step for each pair of places in it, any of these would take minutes."""
    text = "".join(itertools.islice(itertools.cycle(piece), 100_000))
    for end in ("", "\\", '"', "="):
        masked(text + end)
