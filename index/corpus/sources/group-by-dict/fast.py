"""Expenses by department."""


def by_department(expenses):
    report = {}
    for expense in expenses:
        report.setdefault(expense["department"], []).append(expense["amount"])
    return report
