"""Turn an error into words: the one place that knows how it becomes a sentence."""


def sentence(failure: object) -> str:
    """Return the text of a failure with a capital letter and a full stop."""
    text = str(failure)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def clause(failure: object) -> str:
    """Return the text of a failure to follow a colon in a sentence that ends by itself."""
    return str(failure).removesuffix(".")


def system_reason(error: BaseException) -> str:
    """Return why the operating system refused, to follow a colon."""
    return str(getattr(error, "strerror", None) or error).lower()
