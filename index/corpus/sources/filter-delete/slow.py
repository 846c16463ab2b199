"""Sessions that have not expired."""


def live_sessions(sessions, now):
    live = list(sessions)
    i = 0
    while i < len(live):
        if live[i][1] <= now:
            del live[i]
        else:
            i += 1
    return live
