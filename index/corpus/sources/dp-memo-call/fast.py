"""Length of the longest common subsequence."""


def common_length(left, right):
    known = {}

    def longest(i, j):
        if i == len(left) or j == len(right):
            return 0
        if (i, j) in known:
            return known[i, j]
        if left[i] == right[j]:
            length = 1 + longest(i + 1, j + 1)
        else:
            length = max(longest(i + 1, j), longest(i, j + 1))
        known[i, j] = length
        return length

    return longest(0, 0)
