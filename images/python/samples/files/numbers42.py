SIX = 6


def seven() -> int:
    return 7
