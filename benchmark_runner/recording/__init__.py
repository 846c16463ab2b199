"""Runs of the user's program: profiles, captured calls, the whole run before and after."""
