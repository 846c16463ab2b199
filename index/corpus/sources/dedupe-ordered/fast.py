"""Tags in the order of their first use."""


def distinct_tags(posts):
    return list(dict.fromkeys(tag.strip().lower() for post in posts for tag in post["tags"]))
