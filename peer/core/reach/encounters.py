"""Tells with whom I have to do, by what happens: their comings and goings matter to me now."""

from peer import events
from peer.core.keys.name_marks import NOT_CONFIRMED
from peer.events import Event


def met_in(event: Event) -> tuple[str, ...]:
    """Return the users with whom I have to do because of this event.

    Not those whose names are somebody else's: I would hear of the wrong ones.
    """
    match event:
        case events.Connected(others=names) | events.BackInConversation(others=names):
            return _confirmed(*names)
        case events.Invited(inviter=inviter, members=members):
            return _confirmed(inviter, *members)
        case events.Waiting(callee=name) | events.MemberJoined(name=name):
            return _confirmed(name)
        case events.SaidPrivately(sender=name) | events.Letter(sender=name):
            return _confirmed(name)
        case events.LetterLeft(to=name) | events.KeptForLater(to=name):
            return _confirmed(name)
        case _:
            return ()


def _confirmed(*names: str) -> tuple[str, ...]:
    return tuple(name.removesuffix(NOT_CONFIRMED) for name in names)
