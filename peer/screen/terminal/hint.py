"""What a half-typed line will do when Enter is pressed, in one short line."""

from msgspec.structs import replace

from peer.commands import table as typed
from peer.commands.table import Context, Entry, begun, offered, parse
from peer.screen.paint.truncation import cut, listed
from peer.screen.ui_state import UiState
from shared.clean import on_one_line
from shared.messages import TEXT_CHARACTERS, Presence, Status
from shared.names import fold

HINT_CELLS = 78
NAMES_CELLS = 40
OUTSIDE = "CHAT name to talk to somebody, LIST USERS to see who is there, HELP for more"
SOMEBODY = "a user"  # in the meanings of the table


def hint(line: str, outlook: UiState) -> str:
    """Never raises; harmless whatever was typed, and whatever users are called."""
    return cut(on_one_line(_hint(line, outlook)), HINT_CELLS)


def _hint(line: str, outlook: UiState) -> str:
    context = outlook.context
    if not outlook.me:
        return ""  # somebody is asked who they are, and where to go
    match parse(line, context):
        case typed.Nothing():
            return _what_now(outlook)
        case typed.Say():
            return _text(line, outlook)
        case typed.WriteLine():
            return f"a line of the message for {outlook.writing_to}; \\q ends it"
        case typed.EndWriting():
            return f"the end of the message for {outlook.writing_to}"
        case typed.Choose(word):
            to_all = word == context.choices[0]
            return "to everybody" if to_all else f"to {outlook.questions[-1]} alone"
        case typed.Answer(yes, name):
            return _answer(line, outlook, yes, name)
        case typed.SetStatus(Status() as status):
            return f"my status: {status.value}"
        case typed.Unknown() as unknown:
            return _unknown(line, outlook, unknown)
        case typed.Wrong() as wrong:
            return _wrong(line, context, wrong)
        case (
            typed.Chat(name=name)
            | typed.Add(name=name)
            | typed.Info(name=name)
            | typed.Private(name=name)
            | typed.LeaveMessage(name=name)
            | typed.Ignore(name=name)
            | typed.Unignore(name=name)
            | typed.Verify(name=name)
        ):
            return _about(_entry(line, context), _user(name, outlook))
        case _:
            return _entry(line, context).meaning


def _what_now(outlook: UiState) -> str:
    """When nothing is typed."""
    if outlook.questions:
        answers = " or ".join(outlook.choices or ("Y", "N"))
        return f"{answers} answers the question about {outlook.questions[-1]}"
    if outlook.writing_to:
        return f"each line is left for {outlook.writing_to}; \\q ends it"
    if outlook.members:
        return f"a text for {listed(outlook.others, NAMES_CELLS)}; \\q leaves, /HELP lists commands"
    return OUTSIDE


def _entry(line: str, context: Context) -> Entry:
    found = begun(line.strip(), context)
    assert found is not None, "what was read as a command begins with one"
    return found.entry


def _general(entry: Entry) -> str:
    return f"{entry.usage}: {entry.meaning}"


def _about(entry: Entry, user: Presence | None) -> str:
    """The meaning, with the user in it."""
    if user is None:
        return _general(entry)
    is_active = user.status is Status.ACTIVE
    name = user.name if is_active else f"{user.name} ({user.status.value})"
    if SOMEBODY in entry.meaning:
        return entry.meaning.replace(SOMEBODY, name)
    return f"{name}: {entry.meaning}"


def _user(name: str, outlook: UiState) -> Presence | None:
    wanted = fold(name)
    if wanted == fold(outlook.me):
        return None
    return next((user for user in outlook.users if fold(user.name) == wanted), None)


def _text(line: str, outlook: UiState) -> str:
    what = f"text for {listed(outlook.others, NAMES_CELLS)}"
    if line[0].isspace() or isinstance(parse(line, Context()), typed.Unknown | typed.Wrong):
        return what
    return f"{what}; start it with / to run it as a command"


def _answer(line: str, outlook: UiState, yes: bool, name: str | None) -> str:
    for about in reversed(outlook.questions):
        if name is None or fold(about) == fold(name):
            return f"{'yes' if yes else 'no'} to {about}"
    unasked = replace(outlook, questions=())  # as it will be read then
    if isinstance(parse(line, unasked.context), typed.Unknown):
        return _general(_entry(line, outlook.context))
    return _hint(line, unasked)


def _wrong(line: str, context: Context, wrong: typed.Wrong) -> str:
    if not wrong.usage or len(line) > TEXT_CHARACTERS:
        return wrong.reason
    return _offer(line, context) or _general(_entry(line, context))


def _offer(line: str, context: Context) -> str:
    """What the line may become."""
    match offered(line, context):
        case []:
            return ""
        case [(_, entry)]:
            return _general(entry)
        case many:
            return ", ".join(words for words, _ in many)


def _unknown(line: str, outlook: UiState, unknown: typed.Unknown) -> str:
    if offer := _offer(line, outlook.context):
        return offer
    private = _entry("PRV", Context())  # `dave hello` is one
    if unknown.perhaps and (user := _user(unknown.perhaps.name, outlook)):
        return _about(private, user)
    if user := _user(line.strip(), outlook):
        return f"{user.name} text: {private.meaning}"
    return "unknown command" + (f"; did you mean {unknown.nearest}?" if unknown.nearest else "")
