"""Sessions that have not expired."""


def live_sessions(sessions, now):
    return [session for session in sessions if session[1] > now]
