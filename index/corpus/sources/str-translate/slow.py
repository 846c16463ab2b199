"""DNA complement."""


def reverse_complement(sequence):
    pairs = {"A": "T", "T": "A", "C": "G", "G": "C", "N": "N"}
    out = []
    for base in reversed(sequence):
        out.append(pairs.get(base, base))
    return "".join(out)
