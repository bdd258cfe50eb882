"""Lists of names, written as one text."""


def words(text: str) -> list[str]:
    return text.split()
