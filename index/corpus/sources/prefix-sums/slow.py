"""Visits in date ranges."""


def visits_between(daily, ranges):
    answers = []
    for first, last in ranges:
        answers.append(sum(daily[first : last + 1]))
    return answers
