"""Palindromic numbers."""


def is_palindrome(number):
    digits = str(number)
    return digits == digits[::-1]


def palindromes(first, last):
    return [number for number in range(max(first, 0), last) if is_palindrome(number)]
