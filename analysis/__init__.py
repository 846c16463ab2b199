"""Reads code and profiles: functions, fingerprints, hot spots, rules and edits as text.

Never runs code, never talks to a model, knows nothing of the language server protocol.
"""
