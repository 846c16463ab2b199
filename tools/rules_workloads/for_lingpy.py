"""Calls of lingpy's functions that its tests do not make."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import lingpy
from attempts import attempt
from lingpy.align.sca import Alignments
from lingpy.basic.parser import QLCParser
from lingpy.compare._structure import _scorer, cv_templates, pattern_consensus
from lingpy.compare.lexstat import LexStat
from lingpy.compare.phylogeny import PhyBo, get_gls
from lingpy.convert.strings import _is_constant, write_nexus
from lingpy.evaluate.acd import bcubes, partial_bcubes
from lingpy.evaluate.alr import mean_edit_distance
from lingpy.read.qlc import read_qlc
from lingpy.sequence.profile import context_profile
from lingpy.thirdparty import cogent

LANGUAGES = ["Alto", "Bero", "Cima", "Dalu", "Enga", "Fiso", "Gora", "Hali"]
NEWICK = "(((Alto,Bero),(Cima,Dalu)),((Enga,Fiso),(Gora,Hali)));"
CONSONANTS = ["p", "t", "k", "b", "d", "g", "m", "n", "s", "l", "r", "tʰ", "ʃ", "x"]
VOWELS = ["a", "e", "i", "o", "u", "aː", "ɔ", "ə"]
CHANGES = [
    {},
    {"p": "f", "aː": "a"},
    {"k": "x", "e": "i"},
    {"t": "tʰ", "o": "u"},
    {"b": "v", "d": "ð"},
    {"s": "ʃ", "ə": "a"},
    {"r": "l", "u": "y"},
    {"g": "ɣ", "i": "ɪ"},
]
SIZES = [4, 12, 30]


def word(rng: Random, syllables: int) -> list[str]:
    sounds: list[str] = []
    for _ in range(syllables):
        sounds += [rng.choice(CONSONANTS), rng.choice(VOWELS)]
        if rng.random() < 0.3:
            sounds.append(rng.choice("nmrls"))
    return sounds


def joined(parts: list[list[str]]) -> list[str]:
    return [sound for part in parts for sound in part]


def lexicon(concepts: int, languages: int, seed: int, partial: bool = False) -> dict[Any, Any]:
    """A word list whose words come from a few roots by regular changes, with gaps."""
    rng = Random(seed)
    header = ["doculect", "concept", "ipa", "tokens", "proto", "cogid", "guess"]
    if partial:
        header += ["cogids", "guesses"]
    data: dict[Any, Any] = {0: header, "filename": f"lexicon-{concepts}"}
    row, cognate = 0, 0
    for concept in range(concepts):
        roots = [[word(rng, rng.randint(1, 2)) for _ in range(2)] for _ in range(3)]
        for number, language in enumerate(LANGUAGES[:languages]):
            if rng.random() < 0.1:
                continue
            row += 1
            chosen = rng.choice([0, 0, 0, 1, 1, 2])
            morphemes = roots[chosen] if partial else [joined(roots[chosen])]
            proto = joined(roots[chosen])
            spoken = [[CHANGES[number].get(s, s) for s in part] for part in morphemes]
            tokens = [*spoken[0], "+", *spoken[1]] if partial else spoken[0]
            guess = cognate + (chosen if rng.random() < 0.9 else rng.randint(0, 2)) + 1
            line = [language, f"concept {concept}", "".join(joined(spoken)), tokens]
            line += [proto, cognate + chosen + 1, guess]
            if partial:
                first, second = 2 * (cognate + chosen) + 1, 2 * (cognate + chosen) + 2
                line += [[first, second], [2 * guess + 1, second]]
            data[row] = line
        cognate += 3
    return data


def as_table(data: dict[Any, Any]) -> str:
    lines = ["\t".join(["ID", *data[0]])]
    for key, line in data.items():
        if isinstance(key, int) and key:
            cells = [" ".join(cell) if isinstance(cell, list) else str(cell) for cell in line]
            lines.append("\t".join([str(key), *cells]))
    return "\n".join(lines) + "\n"


def parse() -> None:
    data = os.path.relpath(Path(lingpy.__file__).parent / "data")
    for name in ("sca", "dolgo", "asjp", "art", "color"):
        attempt(read_qlc, f"{data}/models/{name}/INFO")
    for name in ("sca", "asjp"):
        attempt(read_qlc, f"{data}/models/{name}/matrix", comment="+")
    attempt(read_qlc, f"{data}/conf/wordlist.rc")
    for size in SIZES:
        attempt(QLCParser, lexicon(size, 6, size))
        attempt(QLCParser, lingpy.Wordlist(lexicon(size, 4, size + 1)))


def compare_words() -> None:
    for size in SIZES:
        languages = 3 + size // 10
        lexstat = attempt(LexStat, lexicon(size, languages, size))
        attempt(lexstat.cluster, method="sca", threshold=0.45)
        attempt(lexstat.cluster, method="edit-dist", threshold=0.6, cluster_method="single")
        attempt(lexstat.cluster, method="turchin", cluster_method="complete")
        attempt(lexstat.cluster, method="sca", cluster_method="mcl", ref="mclid")
        attempt(lexstat.cluster, method="sca", guess_threshold=True, ref="averageid")
        attempt(lexstat.cluster, method="sca", guess_threshold=True, gt_mode="item", ref="itemid")
        attempt(LexStat, lexicon(size, languages, size), model="asjp", segments="tokens")
        attempt(LexStat, lexicon(size, languages, size), no_bscorer=True)


def align_words() -> None:
    for size in SIZES:
        alignments = Alignments(lexicon(size, 5, size), ref="cogid")
        alignments.align()
        attempt(alignments.output, "alm", ref="cogid", filename=f"alignments-{size}")
        attempt(alignments.output, "msa", ref="cogid")
        attempt(alignments.output, "tsv", ref="cogid", filename=f"words-{size}", ignore="all")
        attempt(alignments.reduce_alignments)
        attempt(alignments.get_consensus, consensus="consensus", ref="cogid")
        attempt(alignments.get_consensus, return_data=True, gaps=True, ref="cogid")
        attempt(alignments.get_consensus, return_data=True, classes=True, ref="cogid")
        attempt(mean_edit_distance, alignments, "proto", "consensus")
        attempt(mean_edit_distance, alignments, "proto", "tokens")
        partial = Alignments(lexicon(size, 4, size, partial=True), ref="cogids", fuzzy=True)
        partial.align()
        attempt(partial.get_consensus, return_data=True, counterpart="tokens", ref="cogids")
        attempt(partial.reduce_alignments)


def describe_words() -> None:
    for size in SIZES:
        words = lingpy.Wordlist(lexicon(size, 7, size))
        for missing in (0, -1):
            attempt(words.get_paps, ref="cogid", missing=missing)
        attempt(words.get_paps, ref="guess", entry="concept")
        attempt(bcubes, words, "cogid", "guess", pprint=False)
        attempt(bcubes, words, "guess", "cogid", modify_ref=abs, pprint=False)
        for mode in ("mrbayes", "beast", "beastwords", "traitlab", "splitstree"):
            attempt(write_nexus, words, mode=mode, filename=None)
        attempt(write_nexus, words, filename=None, commands=["set autoclose=yes;", "mcmc;"])
        for line in list(words.get_etymdict(ref="cogid").values())[:: size // 4]:
            attempt(_is_constant, line)
        attempt(lambda words=words: list(context_profile(words)))
        attempt(lambda words=words: list(context_profile(words, ref="tokens", examples=4)))
        known = dict(zip(CONSONANTS, CONSONANTS, strict=True))
        attempt(lambda words=words, known=known: list(context_profile(words, clts=known)))
        compounds = lingpy.Wordlist(lexicon(size, 6, size, partial=True))
        attempt(partial_bcubes, compounds, "cogids", "guesses", pprint=False)
        attempt(partial_bcubes, compounds, "guesses", "cogids", pprint=False)
        attempt(cv_templates, words, "Bero", output="table")
        attempt(cv_templates, words, "Alto", cutoff=0.3)
    rng = Random(5)
    for count in (3, 8, 20):
        patterns = [list(rng.choice(["CVCV", "CVC", "CvCV", "CVCvc"])) for _ in range(count)]
        attempt(pattern_consensus, patterns, _scorer())


def follow_trees() -> None:
    rng = Random(11)
    tree = cogent.LoadTree(treestring=NEWICK)
    for weights in ((1, 1), (2, 1), (3, 2), (1, 2)):
        patterns = [[rng.choice([0, 1, 1, 0, -1]) for _ in LANGUAGES] for _ in range(3)]
        for pattern in patterns:
            attempt(get_gls, pattern, LANGUAGES, tree, weights=weights, gpl=rng.randint(1, 2))
    for languages in (6, 12, 30, 60):
        names = [f"Language{number}" for number in range(languages)]
        groups = list(names)
        while len(groups) > 1:
            left, right = (groups.pop(rng.randrange(len(groups))) for _ in range(2))
            groups.append(f"({left},{right})")
        tree = cogent.LoadTree(treestring=groups[0] + ";")
        attempt(tree.descendantArray)
        attempt(tree.descendantArray, names[::2])
        attempt(tree.makeTreeArray)
        attempt(tree.makeTreeArray, names[1::3])
        if languages < 20:
            pattern = [int(rng.random() < 0.4) for _ in names]
            attempt(get_gls, pattern, names, tree, weights=(3, 2), push_gains=False)


def follow_borrowings() -> None:
    Path("languages.tre").write_text(NEWICK, encoding="utf-8")
    for size in SIZES:
        name = f"borrowings{size}.tsv"
        Path(name).write_text(as_table(lexicon(size, 8, size)), encoding="utf-8")
        words = PhyBo(name, tree="languages.tre", output_dir=".")
        for ratio in ((1, 1), (2, 1), (3, 1)):
            words.get_GLS(ratio=ratio)
        words.get_GLS(mode="topdown", restriction=2)
        models = list(words.gls)
        words.get_CVSD()
        for model in models:
            attempt(words.get_ACS, model)
            attempt(words.get_stats, model)
        attempt(words.get_stats, models[0], subset=("concept", ["concept 1", "concept 2"]))
        attempt(words.get_stats, models[1], filename="statistics")
        attempt(words.get_MLN, models[0], threshold=2)
        attempt(words.get_MLN, models[0], method="td")
        attempt(words.get_MLN, models[1])
        words._pvalues = dict.fromkeys(models, 1.0)
        attempt(words.get_IVSD, evaluation="average")
        attempt(words.get_IVSD, evaluation="average", leading_model=models[1], homoplasy=0.1)


def main() -> None:
    parse()
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            compare_words()
            align_words()
            describe_words()
            follow_trees()
            follow_borrowings()
        finally:
            os.chdir(home)


main()
