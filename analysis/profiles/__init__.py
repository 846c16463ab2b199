"""Profile formats, one reader each, and the one model that they are read into."""
