"""DNA complement."""


def reverse_complement(sequence):
    return sequence[::-1].translate(str.maketrans("ATCG", "TAGC"))
