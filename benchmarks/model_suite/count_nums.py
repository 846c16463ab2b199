# HumanEval/108 by its canonical solution, from ENAMEL (github.com/q-rz/enamel), Apache-2.0.
def count_nums(arr):
    """
    Write a function count_nums which takes an array of integers and returns
    the number of elements which has a sum of digits > 0.
    If a number is negative, then its first signed digit will be negative:
    e.g. -123 has signed digits -1, 2, and 3.
    >>> count_nums([]) == 0
    >>> count_nums([-1, 11, -11]) == 1
    >>> count_nums([1, 1, 2]) == 3
    """
    pass#assert type(arr) == list, "invalid inputs" # $_CONTRACT_$
    pass#assert all(type(x) == int for x in arr), "invalid inputs" # $_CONTRACT_$
    def judge(x: int) -> int:
        l = list(str(x))
        if l[0] == "-":
            l = l[1:]
            l = list(map(int, l))
            l[0] = -l[0]
        else:
            l = list(map(int, l))
        return 1 if sum(l) > 0 else 0
    return sum(map(judge, arr))
