"""Tell in one short line what a half-typed line will do when Enter is pressed."""

from msgspec.structs import replace

from peer.commands import grammar as typed
from peer.commands.grammar import Context
from peer.commands.parsing import begun, is_text, offered, parse
from peer.commands.table import Entry
from peer.core.targets.choice import named
from peer.core.targets.place import Place
from peer.screen.paint.truncation import cut, listed
from peer.screen.ui_state import UiState
from shared.clean import on_one_line
from shared.errors import Refused
from shared.messages.common import TEXT_CHARACTERS, Status
from shared.messages.directory import Presence
from shared.names import fold
from shared.notes import with_note
from shared.wording import clause

HINT_CELLS = 78
NAMES_CELLS = 40
CONNECTING = "what you type waits for the directory; DOCTOR tells why, QUIT gives up"
OUTSIDE = "CHAT name to talk to somebody, LIST USERS to see who is there, HELP for more"
SOMEBODY = "a user"  # as the meanings in the table call them


def hint(line: str, ui_state: UiState, width: int = HINT_CELLS) -> str:
    """Return the hint; never raise, and be harmless whatever was typed or users are called."""
    return cut(on_one_line(_hint(line, ui_state)), min(width, HINT_CELLS))


def _hint(line: str, ui_state: UiState) -> str:
    context = ui_state.context
    if not ui_state.me:
        return ""  # the program asks for NAME, HOST or PORT
    match parse(line, context):
        case typed.Nothing():
            return _what_now(ui_state)
        case typed.Say():
            return _text(line, listed(ui_state.others, NAMES_CELLS))
        case typed.SayIn(room=room) if is_text(line, context):
            return _text(line, _members(room, ui_state))
        case typed.SayIn(room=room):
            return f"a text for {_members(room, ui_state)}, and only this one"
        case typed.Private(name=name) if is_text(line, context):
            return _text(line, f"{name} alone")
        case typed.Go(name="", sign=""):
            return f"back to {place_name(ui_state.back, ui_state)}"
        case typed.Go(name, sign):
            return _goes(name, sign, ui_state)
        case typed.WriteLine():
            return f"a line of the message for {ui_state.writing_to}; \\q ends it"
        case typed.EndWriting():
            return f"the end of the message for {ui_state.writing_to}"
        case typed.Choose(word):
            to_all = word == context.choices[0]
            return "to everybody" if to_all else f"to {ui_state.questions[-1]} alone"
        case typed.Answer(yes, name):
            return _answer(line, ui_state, yes, name)
        case typed.SetStatus(Status() as status, note):
            return f"my status: {with_note(status, note)}"
        case typed.ListUsers(str() as beginning) if beginning:
            return _offer(line, context) or f"users whose names begin with {beginning}"
        case typed.ToAll(perhaps=typed.Private(name=name)) as to_all:
            return _to_all(line, ui_state, to_all, name)
        case typed.Unknown() as unknown:
            return _unknown(line, ui_state, unknown)
        case typed.Wrong() as wrong:
            return _wrong(line, context, wrong)
        case (
            typed.Chat(name=name)
            | typed.Add(names=(name,))
            | typed.Info(name=name)
            | typed.Private(name=name)
            | typed.LeaveMessage(name=name)
            | typed.Ignore(name=name)
            | typed.Unignore(name=name)
            | typed.Verify(name=name)
            | typed.Watch(name=name)
            | typed.Unwatch(name=name)
        ):
            return _about(_entry(line, context), _user(name, ui_state))
        case _:
            return _entry(line, context).meaning


def _what_now(ui_state: UiState) -> str:
    """Return the hint when nothing is typed."""
    if ui_state.connects_to:
        return CONNECTING
    if ui_state.questions:
        is_text_here = ui_state.talk_went_on and ui_state.context.takes_texts
        answers = " or ".join(ui_state.choices or (("/Y", "/N") if is_text_here else ("Y", "N")))
        return f"{answers} answers the question about {ui_state.questions[-1]}"
    if ui_state.here.person:
        return f"a private line to {ui_state.here}; \\q leads back, /HELP lists commands"
    if ui_state.here.room:
        whom = _members(ui_state.here.room, ui_state)
        return f"a text for {whom}; \\q leads back, /HELP lists commands"
    if ui_state.writing_to:
        return f"each line is left for {ui_state.writing_to}; \\q ends it"
    if ui_state.members:
        return (
            f"a text for {listed(ui_state.others, NAMES_CELLS)}; \\q leaves, /HELP lists commands"
        )
    if ui_state.waits_for:
        names = listed(ui_state.waits_for, NAMES_CELLS)
        return f"QUIT CONVERSATION takes the invitation to {names} back"
    return OUTSIDE


def _goes(name: str, sign: str, ui_state: UiState) -> str:
    rooms = [room for room, _ in ui_state.rooms]
    try:
        place = named("GO", name, sign, rooms, ui_state.namesakes)
    except Refused as no:
        return clause(no)
    return f"from now on each line goes to {place}"


def _members(room: str, ui_state: UiState) -> str:
    """Return the room, and how many read what is said there."""
    mine = (len(others) + 1 for one, others in ui_state.rooms if fold(one) == fold(room))
    count = next(mine, 0)
    if not count:
        return f"#{room}, in which you are not"
    return f"#{room} ({'1 member' if count == 1 else f'{count} members'})"


def place_name(place: Place, ui_state: UiState) -> str:
    """Return what a screen calls a place."""
    if not place.is_home:
        return str(place)
    if ui_state.writing_to:
        return f"the message for {ui_state.writing_to}"
    return listed(ui_state.others, NAMES_CELLS) if ui_state.members else "commands"


def _entry(line: str, context: Context) -> Entry:
    found = begun(line.strip(), context)
    assert found is not None, "what was read as a command begins with one"
    return found.entry


def _general(entry: Entry) -> str:
    return f"{entry.usage}: {entry.meaning}"


def _about(entry: Entry, user: Presence | None) -> str:
    """Return the meaning, with the user's name in it."""
    if user is None:
        return _general(entry)
    is_active = user.status is Status.ACTIVE and not user.note
    status = f"{user.status.value}: {user.note}" if user.note else user.status.value
    name = user.name if is_active else f"{user.name} ({status})"
    if SOMEBODY in entry.meaning:
        return entry.meaning.replace(SOMEBODY, name)
    return f"{name}: {entry.meaning}"


def _user(name: str, ui_state: UiState) -> Presence | None:
    wanted = fold(name)
    if wanted == fold(ui_state.me):
        return None
    return next((user for user in ui_state.users if fold(user.name) == wanted), None)


def _text(line: str, whom: str) -> str:
    what = f"text for {whom}"
    if line[0].isspace() or isinstance(parse(line, Context()), typed.Unknown | typed.Wrong):
        return what
    return f"{what}; start it with / to run it as a command"


def _to_all(line: str, ui_state: UiState, to_all: typed.ToAll, name: str) -> str:
    """Return the hint for a line to all whose first word may be a user; see `MessageSender`."""
    general, private = _entry(line, ui_state.context), _entry("PRV", Context())
    user = _user(name, ui_state)
    if user is not None and to_all.is_private:
        return _about(private, user)
    if user is not None:
        return f"to everybody, or to {user.name} alone: you are asked"
    if to_all.is_private and fold(name) != fold(ui_state.me):
        return f"to {name} alone if there is such a user, else to everybody online"
    return general.meaning


def _answer(line: str, ui_state: UiState, yes: bool, name: str | None) -> str:
    for about in reversed(ui_state.questions):
        if name is None or fold(about) == fold(name):
            return f"{'yes' if yes else 'no'} to {about}"
    unasked = replace(ui_state, questions=())  # as the line is read if it answers nothing
    if isinstance(parse(line, unasked.context), typed.Unknown):
        return _general(_entry(line, ui_state.context))
    return _hint(line, unasked)


def _wrong(line: str, context: Context, wrong: typed.Wrong) -> str:
    if not wrong.usage or len(line) > TEXT_CHARACTERS:
        return wrong.reason
    if begun(line.strip(), context) is None:
        return f"{wrong.usage}: {wrong.reason}"  # it begins with no words of a command: `#room`
    return _offer(line, context) or _general(_entry(line, context))


def _offer(line: str, context: Context) -> str:
    """Return what the line may become."""
    match offered(line, context):
        case []:
            return ""
        case [(_, entry)]:
            return _general(entry)
        case many:
            return ", ".join(words for words, _ in many)


def _unknown(line: str, ui_state: UiState, unknown: typed.Unknown) -> str:
    if offer := _offer(line, ui_state.context):
        return offer
    private = _entry("PRV", Context())  # `dave hello` is a private line
    if unknown.perhaps and (user := _user(unknown.perhaps.name, ui_state)):
        return _about(private, user)
    if user := _user(line.strip(), ui_state):
        return f"{user.name} text: {private.meaning}"
    return "unknown command" + (f"; did you mean {unknown.nearest}?" if unknown.nearest else "")
