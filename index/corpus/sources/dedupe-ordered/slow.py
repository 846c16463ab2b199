"""Tags in the order of their first use."""


def distinct_tags(posts):
    seen = []
    for post in posts:
        for tag in post["tags"]:
            tag = tag.strip().lower()
            if tag not in seen:
                seen.append(tag)
    return seen
