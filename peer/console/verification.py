"""Perform VERIFY: show the words that both users must see alike, and accept on a yes."""

from peer import results
from peer.console.codes import Code
from peer.console.dialogue import Dialogue
from peer.console.questions import OpenQuestions
from peer.local_peer import LocalPeer


async def verify(
    peer: LocalPeer, dialogue: Dialogue, questions: OpenQuestions, name: str, words: tuple[str, ...]
) -> Code:
    """Show the words, then ask; or compare the words that the other has read out, if given."""
    compared = await peer.keys.words(name)
    name = compared.name

    async def accept() -> Code:
        await peer.keys.accept(compared)
        new = f" The new key of {name} is accepted from now on." if compared.is_changed else ""
        dialogue.say(f"{name} is verified.{new}")
        return Code.DONE

    kept = f" The old key of {name} stays." if compared.is_changed else ""
    if words:
        if compared.fits(words):
            return await accept()
        dialogue.say(f"These are not the words of you and {name}: nothing was accepted.{kept}")
        return Code.REFUSED
    dialogue.show(results.Words(name, compared.words, False, compared.change))
    no = f"Nothing was accepted: {name} is not who you take them for.{kept}"
    questions.ask("", f"Are they the same at {name}'s?", name, accept, no)
    return Code.DONE
