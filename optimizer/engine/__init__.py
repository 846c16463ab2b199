"""The engine process: one for a user and a workspace, shared by every editor and command."""
