"""Calls of Markdown's functions that its tests do not make."""

from attempts import attempt
from markdown import Markdown
from markdown.inlinepatterns import DelimiterProcessor


def main():
    several = ["~", "^", "=", "+", "%", "!", "|", "@", "&", ":", ";", ",", "?", "/", "\\"]
    for tokens in (["~"], ["~", "^"], several[:6], several, [sign * 2 for sign in several]):
        delimiters = DelimiterProcessor("*", "strong,em", Markdown())
        for token in tokens:
            delimiters.add(token, "del,sub", True)
        attempt(delimiters.remove, tokens[0])
        attempt(delimiters.remove, tokens[-1])
        attempt(delimiters.remove, "*")


if __name__ == "__main__":
    main()
