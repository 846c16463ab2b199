"""Clean and count records with seven of the modules (docs: one section each)."""

import random

from boltons import cacheutils, dictutils, iterutils, setutils, statsutils, strutils, tableutils

random.seed(9)
out = []
records = [
    {
        "id": i,
        "tags": random.sample("abcdefgh", 3),
        "m": {"v": random.random(), "n": [i, None, str(i)]},
    }
    for i in range(6000)
]
out.append(len(iterutils.remap(records, visit=lambda p, k, v: v is not None)))
out.append(len(list(iterutils.research(records, lambda p, k, v: v == "a"))))
out.append(len(list(iterutils.chunked_iter(list(range(50000)), 7))))
out.append(sum(len(w) for w in iterutils.windowed(range(20000), 4)))
out.append(len(list(iterutils.unique_iter(random.choices(range(3000), k=30000)))))
out.append(len(iterutils.bucketize(range(30000), lambda x: x % 11)))
s = setutils.IndexedSet(random.choices(range(2500), k=6000))
for k in range(0, 2000, 3):
    s.discard(k)
out.append(sum(s[i] for i in range(0, len(s), 2)))
st = statsutils.Stats([random.gauss(0, 1) for _ in range(40000)])
out.append(st.get_histogram_counts(20)[:2])
out.append(round(st.median + st.std_dev + st.mad, 9))
out.append(round(st.trimean, 9))
out.append(sum(len(strutils.slugify(f"Some Title No. {i} Ünïcode")) for i in range(6000)))
out.append(sum(len(strutils.camel2under(f"SomeCamelCaseName{i}")) for i in range(15000)))
out.append(len(strutils.find_hashtags("text #one two #three " * 800)))
om = dictutils.OMD((random.randrange(300), i) for i in range(40000))
out.append(len(om.inverted()))
out.append(sum(v for v in om.values()))
out.append(len(om.todict(multi=True)))
lru = cacheutils.LRU(max_size=300)
for _ in range(80000):
    k = random.randrange(700)
    if k not in lru:
        lru[k] = k
    out.append(lru[k]) if k == 5 else None
out.append(len(tableutils.Table.from_list([{"a": i, "b": str(i)} for i in range(600)]).to_text()))
print(hash(str(out)) and len(out), out[-6:])
