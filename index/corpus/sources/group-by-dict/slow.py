"""Expenses by department."""


def by_department(expenses):
    departments = []
    for expense in expenses:
        if expense["department"] not in departments:
            departments.append(expense["department"])
    report = {}
    for department in departments:
        report[department] = [e["amount"] for e in expenses if e["department"] == department]
    return report
