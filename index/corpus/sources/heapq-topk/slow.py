"""The players with the highest scores."""


def leaders(scores, count):
    ranking = sorted(scores.items(), key=lambda item: item[1], reverse=True)
    return ranking[:count]
