"""Decides what to try: proposers, search strategies, edit ladders and the engine process."""
