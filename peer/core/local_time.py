"""Times as a person reads them."""

from datetime import datetime


def local_time(seconds: float) -> datetime:
    """Return the local time; 1970-01-01 for a time out of range, so that any can be shown."""
    try:
        return datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return datetime(1970, 1, 1)


def lasting(seconds: float) -> str:
    """Return a duration in its largest unit of which there are two."""
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
