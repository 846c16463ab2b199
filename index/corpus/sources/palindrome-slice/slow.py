"""Palindromic numbers."""


def is_palindrome(number):
    digits = []
    while number > 0:
        digits.append(number % 10)
        number //= 10
    for i in range(len(digits) // 2):
        if digits[i] != digits[len(digits) - 1 - i]:
            return False
    return True


def palindromes(first, last):
    return [number for number in range(first, last) if is_palindrome(number)]
