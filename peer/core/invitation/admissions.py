"""Lead from a yes to the conversation: let in, enter, and take a yes back."""

from typing import Final

from peer.core.invitation.actions import Action, Open, Refuse, Send, Why
from peer.core.invitation.credentials import Credentials
from peer.core.invitation.ledger import Invitation, Ledger, State
from peer.core.invitation.questions import Questions, Situation
from shared.errors import ProtocolError
from shared.messages.peers import Confirm, Gone, Joined, Position

CONFIRM_SECONDS: Final = 10.0  # from ACCEPT, or from the link that broke after it, to CONFIRM


class Admissions:
    """The steps with which a conversation begins on either side, or does not."""

    def __init__(
        self, ledger: Ledger, questions: Questions, credentials: Credentials, situation: Situation
    ) -> None:
        self._ledger, self._questions = ledger, questions
        self._credentials, self._situation = credentials, situation

    # --- Mine ---

    def confirm(self, id: str, since: tuple[Position, ...], lamport: int) -> list[Action]:
        """Tell the callee that they are a member now."""
        mine = self._ledger.get(id)
        assert mine is not None
        assert mine.permission is not None
        mine.confirm = self._credentials.confirm(id, mine.permission, since, lamport)
        return [Send(mine.other, mine.confirm)]

    def confirm_again(self, over: Invitation) -> list[Action]:
        """Repeat the CONFIRM that was lost; the same, for texts written since are for them."""
        is_in = over.invite.conversation in self._situation.conversations
        confirm = over.confirm if is_in else None
        return [Send(over.other, confirm or Confirm(over.id)), *self.leave(over)]

    # --- Theirs ---

    def accept(self, theirs: Invitation, now: float) -> Send:
        """Send my yes; the conversation begins with the CONFIRM."""
        theirs.state, theirs.word = State.ACCEPTED, self._credentials.accept(theirs.invite)
        theirs.last(CONFIRM_SECONDS, now)
        return Send(theirs.other, theirs.word)

    def enter(self, theirs: Invitation, confirm: Confirm, now: float) -> list[Action]:
        """Enter with this CONFIRM; one that lets nobody in is the end of the invitation.

        When another yes has led into the same conversation, nothing is left to enter.
        """
        is_in = theirs.invite.conversation in self._situation.conversations
        try:
            enter = self._credentials.enter(theirs.invite, confirm)
        except ProtocolError as wrong:
            gone = self._questions.close(theirs, Why.GONE, now)
            return [*gone, Refuse(theirs.other, str(wrong))]
        if enter is None:
            return self._questions.close(theirs, Why.GONE, now)
        joined = self._questions.say_last_to_sharers(theirs, Joined, now)
        opened = self.open(theirs, now)
        return [opened, *joined] if is_in else [enter, opened, *joined]

    def give_up(self, accepted: Invitation, now: float) -> list[Action]:
        """End without CONFIRM: if the inviter has opened the conversation, it must end there."""
        self._ledger.finish(accepted, State.LEFT, now, Gone(accepted.id))
        return self.leave(accepted)

    # --- Both ---

    def open(self, invitation: Invitation, now: float) -> Open:
        invite = invitation.invite
        self._ledger.finish(invitation, State.OPENED, now, invitation.word)
        self._situation.conversations.add(invite.conversation)
        other, room = invitation.other, invitation.room
        return Open(invite.id, invite.conversation, other, invite.members, room)

    def leave(self, invitation: Invitation) -> list[Action]:
        """Say that this user is out, unless they are in, or entering, by other means."""
        conversation = invitation.invite.conversation
        entering = [i.invite.conversation for i in self._ledger.all(State.ACCEPTED)]
        if conversation in self._situation.conversations or conversation in entering:
            return []
        return [Send(invitation.other, self._credentials.prove_departure(invitation.invite))]
