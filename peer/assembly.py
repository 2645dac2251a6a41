"""Put the parts of one peer together: each gets the parts below it, and knows no other.

`Memory` is what this peer remembers, `Reach` how it finds others and they find it,
`Exchange` what they say to each other.
"""

from collections.abc import Sequence

from msgspec import Struct

from peer.core.invitation.credentials import Credentials
from peer.core.invitation.questions import Situation
from peer.core.keys.key_alarms import KeyAlarms
from peer.core.myself import Myself, Registration
from peer.core.reach.contacts import Contacts
from peer.core.reach.presence import Presences
from peer.core.reach.watch_list import WatchList
from peer.core.stranger_limits import StrangerLimits
from peer.events import Tell
from peer.options import Options
from peer.runtime.choices.choices import Choices
from peer.runtime.choices.ignore_list import IgnoreList
from peer.runtime.choices.quiet_places import QuietPlaces
from peer.runtime.choices.watch_book import WatchBook
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.conversation.routes import Routes
from peer.runtime.conversation_news import ConversationNews
from peer.runtime.conversation_view import ConversationView
from peer.runtime.directory.certificates import Certificates
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.directory.introduction import Introduction
from peer.runtime.directory.known_directories import KnownDirectories
from peer.runtime.directory.lookup import Lookup
from peer.runtime.directory.own_presence import OwnPresence
from peer.runtime.directory.registrar import Registrar
from peer.runtime.directory.roster import Roster
from peer.runtime.directory.session import DirectorySession
from peer.runtime.directory.tries import Tries
from peer.runtime.directory.watching import Watching
from peer.runtime.disk_shares import DiskShares
from peer.runtime.dispatch import Dispatch
from peer.runtime.doctor.company import Companions
from peer.runtime.doctor.examiner import Examiner
from peer.runtime.doctor.free_space import FreeSpace
from peer.runtime.doctor.neighbourhood import Neighbourhood
from peer.runtime.doctor.sight import Sight
from peer.runtime.finder import Finder
from peer.runtime.history_reader import HistoryReader
from peer.runtime.incoming import Incoming
from peer.runtime.invitation.invitations import Invitations
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.keys.linked_names import LinkedNames
from peer.runtime.keys.name_judge import NameJudge
from peer.runtime.keys.verification import Verification
from peer.runtime.lines.own_lines import OwnLines
from peer.runtime.lines.private_lines import IncomingLines, PrivateLines
from peer.runtime.link.knock_answers import KnockAnswers
from peer.runtime.link.knocker import Knocker
from peer.runtime.link.links import Links
from peer.runtime.link.listener import Outlet
from peer.runtime.link.switchboard import Switchboard
from peer.runtime.mailbox.announcer import Announcer
from peer.runtime.mailbox.copies import MailboxCopies
from peer.runtime.mailbox.letter_display import LetterDisplay
from peer.runtime.mailbox.letter_drop import LetterDrop
from peer.runtime.mailbox.letter_sender import LetterSender
from peer.runtime.mailbox.letter_taker import LetterTaker
from peer.runtime.mailbox.letters import Letters
from peer.runtime.mailbox.own_letters import OwnLetters
from peer.runtime.mailbox.receipts import ReceiptBook
from peer.runtime.mailbox.sender_check import SenderCheck, StrangerLetters
from peer.runtime.mailbox.unsent import Unsent
from peer.runtime.mailbox.waiting_texts import WaitingTexts
from peer.runtime.mapping.own_spots import Mapping, OwnSpots
from peer.runtime.mapping.port_mapper import PortMapper
from peer.runtime.passed_knocks import PassedKnocks
from peer.runtime.punching.punch_answers import PunchAnswers
from peer.runtime.punching.puncher import Puncher
from peer.runtime.reading import Reading
from peer.runtime.recorder import Recorder
from peer.runtime.rooms_view import RoomsView
from peer.runtime.tasks import Tasks
from peer.storage.history import History
from peer.storage.journal import Journal
from peer.storage.past.quiet_places import QuietPlaceStore
from peer.storage.past.read_marks import ReadMarkStore
from peer.storage.past.unread import Unread
from peer.storage.paths import KEY_FILE
from peer.storage.vault import open_key, seal_key
from shared.errors import StorageError
from shared.identity import SEED_BYTES, Identity
from shared.messages.peers import LinkKind
from shared.world import Address, World


class Outside(Struct, frozen=True):
    """The things a peer is made with: its world, its user's choices, and a screen."""

    world: World
    tell: Tell
    options: Options
    directories: Sequence[Address]  #: named by the user


class Memory(Struct, frozen=True):
    """The memory of a peer, of itself and of others."""

    myself: Myself
    situation: Situation
    is_new: bool  #: whether no directory has registered us before this start
    journal: Journal
    recorder: Recorder
    history: History
    reading: Reading
    quiet_places: QuietPlaceStore
    alarms: KeyAlarms
    known_keys: KnownKeys
    known_users: KnownUsers
    strangers: StrangerLimits
    disk_shares: DiskShares


class Connections(Struct, frozen=True):
    """The parts through which a peer finds others, and they find it."""

    presences: Presences
    contacts: Contacts
    directory: DirectoryClient
    certificates: Certificates
    registrar: Registrar
    own_presence: OwnPresence
    switchboard: Switchboard
    links: Links  #: that carry text
    outlet: Outlet  #: of links
    linked_names: LinkedNames
    finder: Finder
    judge: NameJudge
    roster: Roster
    knock_answers: KnockAnswers
    punch_answers: PunchAnswers
    mapping: Mapping
    mapper: PortMapper | None  #: None: the router is not asked
    sight: Sight  #: how the directory sees me


class Exchange(Struct, frozen=True):
    """The parts that carry what users say to each other."""

    conversations: Conversations
    invitations: Invitations
    lines: PrivateLines
    heard_lines: IncomingLines
    letter_drop: LetterDrop
    letters: Letters
    copies: MailboxCopies
    letter_sender: LetterSender
    waiting: WaitingTexts
    unsent: Unsent


class Facade(Struct, frozen=True):
    """The parts that a console or a bot asks for by name."""

    conversation: ConversationView
    rooms: RoomsView
    lines: OwnLines
    letters: OwnLetters
    history: HistoryReader
    keys: Verification
    choices: Choices
    examiner: Examiner


def remember(outside: Outside, registration: Registration, tasks: Tasks) -> Memory:
    """Open the journal, and make or load our key."""
    world, tell, options = outside.world, outside.tell, outside.options
    identity = _load_identity(outside)
    myself = Myself(registration, identity)
    journal = Journal(
        world.disk, keeps_history=options.keeps_history, vault=options.vault,
        tell=tell,
    )  # fmt: skip
    alarms = KeyAlarms(tell)
    known_keys = KnownKeys(journal.contacts, world.clock, alarms, myself, tasks)
    known_users = KnownUsers(journal.contacts, world.clock, tasks, known_keys)
    quiet_places = QuietPlaceStore(journal.database)
    return Memory(
        myself, Situation(ignored=journal.contacts.ignored, answered=known_users.names),
        not journal.communities.has_certificates,
        journal, Recorder(journal.lines, tell),
        History(journal.database, journal.rows, registration, world.clock, known_keys),
        Reading(
            ReadMarkStore(journal.database),
            Unread(journal.database, journal.rows, registration, known_keys, quiet_places), tell,
        ),
        quiet_places,
        alarms, known_keys, known_users,
        StrangerLimits(known_users, journal.lines),
        DiskShares(journal.contacts, world.clock, tell, tasks),
    )  # fmt: skip


def _load_identity(outside: Outside) -> Identity:
    """Return our identity, made just now if there was none."""
    world, vault = outside.world, outside.options.vault
    content = world.disk.read(KEY_FILE)
    if content is not None:
        seed = open_key(content, vault)
    else:
        seed = world.chance.randbytes(SEED_BYTES)
        world.disk.write(KEY_FILE, seal_key(seed, vault))
    try:
        return Identity(seed)
    except ValueError as error:
        raise StorageError(
            f'the file "{KEY_FILE}" in the data folder is damaged ({error}): bring it back'
            " from a backup; without it the name is lost"
        ) from None


def reach(
    outside: Outside, memory: Memory, presences: Presences, watch_list: WatchList, tasks: Tasks,
    run_id: str,
) -> Connections:  # fmt: skip
    world, known_keys, myself = outside.world, memory.known_keys, memory.myself
    contacts, communities = Contacts(), memory.journal.communities
    known = KnownDirectories(world, outside.directories, communities)
    tries = Tries(known)
    directory = DirectoryClient(tries)
    watching = Watching(
        watch_list, presences, directory, memory.journal, myself, world.clock,
        is_passing=outside.options.is_passing,
    )  # fmt: skip
    certificates = Certificates(
        world, outside.directories, myself, known_keys, communities,
        expected_key=outside.options.directory_key, authority=outside.options.authority,
    )  # fmt: skip
    spots = OwnSpots(world.network, myself.registration, directory)
    options = outside.options
    maps_port = options.maps_port and (options.examines or not options.is_passing)
    mapper = PortMapper(world, spots) if maps_port else None
    introduction = Introduction(spots, myself, certificates, watching)
    session = DirectorySession(world.bugs, introduction, known, directory, tries)
    lookup = Lookup(directory, known_keys, contacts)
    outlet = Outlet()
    ways = Knocker(directory, outlet), Puncher(world.network, directory, certificates)
    switchboard = Switchboard(
        world, known_keys, myself, tasks, lookup, memory.alarms, *ways, run=run_id
    )
    links = switchboard.open(LinkKind.TEXT, outlet)
    linked_names = LinkedNames(links, known_keys)
    finder = Finder(lookup, links, known_keys, linked_names)
    return Connections(
        presences, contacts, directory, certificates,
        Registrar(world, certificates, known, session, directory, tries, presences),
        OwnPresence(myself.registration, directory, memory.situation, outside.tell),
        switchboard, links, outlet, linked_names, finder, NameJudge(known_keys, finder),
        Roster(
            presences, directory, links, memory.journal.contacts, world.clock, outside.tell,
            watching,
        ),
        KnockAnswers(links, switchboard.reception, memory.journal.contacts, myself),
        PunchAnswers(links, memory.journal.contacts, myself),
        Mapping(spots, mapper), mapper, Sight(world.clock, myself.registration, directory),
    )  # fmt: skip


def exchange(outside: Outside, memory: Memory, reach: Connections, tasks: Tasks) -> Exchange:
    drop = LetterDrop(
        outside.world, memory.journal, reach.directory, memory.recorder, memory.myself
    )
    copies = MailboxCopies(
        memory.journal, drop, reach.directory, outside.tell, myself=memory.myself,
        known_keys=memory.known_keys, tasks=tasks, finder=reach.finder,
    )  # fmt: skip
    credentials = Credentials(memory.myself, memory.known_keys)
    news = ConversationNews(reach.own_presence, memory.situation, credentials, copies)
    conversations = Conversations(
        outside.world, reach.links, memory.journal, outside.tell, memory.myself, tasks,
        known_keys=memory.known_keys, name_judge=reach.judge, known_users=memory.known_users,
        disk_shares=memory.disk_shares, listener=news,
        keeps_history=outside.options.keeps_history,
    )  # fmt: skip
    incoming = Incoming(memory.journal, conversations.direct_texts)
    lines = PrivateLines(reach.links, memory.recorder, memory.known_keys, memory.myself, tasks)
    sender = LetterSender(drop, reach.finder, memory.known_keys, memory.known_users)
    waiting = WaitingTexts(
        outside.world, memory.recorder, memory.myself, memory.known_users, outside.tell
    )
    return Exchange(
        conversations,
        _invitations(outside, memory, reach, conversations, credentials, tasks),
        lines,
        _heard_lines(outside, memory, reach, incoming),
        drop,
        _letters(outside, memory, reach, conversations, incoming),
        copies,
        sender,
        waiting,
        Unsent(
            waiting, lines, sender, reach.directory, reach.linked_names, memory.known_users, tasks,
            is_passing=outside.options.is_passing,
        ),
    )  # fmt: skip


def _invitations(
    outside: Outside, memory: Memory, reach: Connections, conversations: Conversations,
    credentials: Credentials, tasks: Tasks,
) -> Invitations:  # fmt: skip
    return Invitations(
        outside.world, reach.links, conversations, outside.tell, memory.myself, tasks,
        credentials, memory.situation, finder=reach.finder, linked_names=reach.linked_names,
        name_judge=reach.judge, known_keys=memory.known_keys,
        answers=not outside.options.is_passing, known_users=memory.known_users,
        roster=reach.roster,
    )  # fmt: skip


def _heard_lines(
    outside: Outside, memory: Memory, reach: Connections, incoming: Incoming
) -> IncomingLines:
    return IncomingLines(
        reach.links, outside.tell, memory.journal.contacts.ignored, incoming, memory.recorder,
        outside.world.clock, memory.myself, memory.strangers, reach.linked_names,
        memory.disk_shares,
    )  # fmt: skip


def _letters(
    outside: Outside, memory: Memory, reach: Connections, conversations: Conversations,
    incoming: Incoming,
) -> Letters:  # fmt: skip
    announcer, directory = Announcer(outside.tell), reach.directory
    journal, texts = memory.journal, conversations.direct_texts
    strangers = StrangerLetters(memory.strangers)
    taker = LetterTaker(
        outside.world.clock, memory.myself, memory.known_keys, journal, directory,
        announcer=announcer,
        senders=SenderCheck(memory.known_keys, journal.contacts, reach.finder),
        strangers=strangers, incoming=incoming,
        display=LetterDisplay(
            announcer, incoming, strangers, journal.letters, conversations.rooms, memory.myself
        ),
    )  # fmt: skip
    receipts = ReceiptBook(journal.left_letters, directory, memory.myself, texts, announcer)
    return Letters(taker, receipts, announcer)


def dispatch(outside: Outside, memory: Memory, reach: Connections, exchange: Exchange) -> Dispatch:
    knocks = PassedKnocks(reach.links, exchange.conversations, memory.myself)
    return Dispatch(
        reach.links, exchange.lines, exchange.heard_lines, exchange.unsent, exchange.invitations,
        exchange.conversations, knocks, contacts=memory.journal.contacts,
        known_users=memory.known_users, strangers=memory.strangers,
        is_passing=outside.options.is_passing,
    )  # fmt: skip


def facade(
    outside: Outside, memory: Memory, reach: Connections, exchange: Exchange, tasks: Tasks
) -> Facade:
    world, myself, conversations = outside.world, memory.myself, exchange.conversations
    waiting, unsent, sender = exchange.waiting, exchange.unsent, exchange.letter_sender
    routes = Routes(reach.links, memory.known_keys, world.clock)
    history = HistoryReader(memory.history, conversations, memory.recorder, reach.judge)
    conversation, rooms = ConversationView(conversations, routes), RoomsView(conversations, routes)
    return Facade(
        conversation,
        rooms,
        OwnLines(
            world, exchange.lines, waiting, unsent, sender, reach.roster, memory.known_users,
            myself, outside.tell,
        ),
        OwnLetters(sender, waiting, unsent, myself, world.clock),
        history,
        Verification(
            myself, memory.journal.contacts, memory.known_keys, memory.known_users, reach.finder,
            reach.links, exchange.letters,
        ),
        Choices(
            IgnoreList(memory.journal.contacts, conversations, reach.roster, myself),
            WatchBook(memory.journal.contacts, reach.roster, myself),
            QuietPlaces(memory.quiet_places, history),
        ),
        Examiner(
            world, outside.directories, outside.options, myself, reach.directory, reach.sight,
            reach.certificates, reach.mapper, Companions(conversation, rooms, reach.presences),
            FreeSpace(world.disk, tasks),
            Neighbourhood() if outside.options.listens_around else None,
        ),
    )  # fmt: skip
