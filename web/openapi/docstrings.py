"""Docstrings as descriptions: the first line is the summary, the rest the description, in Markdown."""


def first(words: str) -> str:
    """Return what stands in the first line."""
    return _markdown(words.partition("\n")[0].strip())


def rest(words: str) -> str:
    """Return what stands below the first line, one line a paragraph."""
    paragraphs = words.partition("\n")[2].strip().split("\n\n")
    return _markdown("\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs))


def text(words: str) -> dict[str, str]:
    """Return the field for a description; none for no words."""
    return {"description": words} if words else {}


def _markdown(words: str) -> str:
    return words.replace("``", "`")
