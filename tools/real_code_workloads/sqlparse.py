"""Split and format an application's SQL log (README: split, format, parse)."""

import hashlib
import random

import sqlparse

random.seed(11)
T = ["orders", "users", "items", "events"]


def query(i):
    a, b = random.sample(T, 2)
    cols = ", ".join(f"{a}.c{k} as name{k}" for k in range(random.randrange(3, 12)))
    return (
        f"select {cols}, case when {a}.x > {i} then 'yes' else 'no' end as flag, count(*) from {a} "
        f"left join {b} on {a}.id = {b}.{a}_id where {a}.created >= '2024-01-{1 + i % 28:02}' "
        f"and {b}.status "
        f"in ({', '.join(map(str, range(i % 17 + 1)))}) -- comment {i}\n group by {a}.c1, {b}.c2 "
        f"having sum({b}.v) > 10 order by {a}.c1 desc limit {i};"
    )


log = (
    "\n".join(query(i) for i in range(120))
    + "insert into users (a, b) values (1, 'x''y'), (2, null);" * 10
)
digest = hashlib.sha256()
for statement in sqlparse.split(log):
    text = sqlparse.format(
        statement, reindent=True, keyword_case="upper", identifier_case="lower", strip_comments=True
    )
    digest.update(text.encode())
    digest.update(sqlparse.format(statement, reindent_aligned=True).encode())
    digest.update(str(sqlparse.parse(statement)[0].get_type()).encode())
print(digest.hexdigest())
