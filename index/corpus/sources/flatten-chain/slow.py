"""All members of all teams."""


def all_members(teams):
    members = []
    for team in teams:
        members = members + team
    return members
