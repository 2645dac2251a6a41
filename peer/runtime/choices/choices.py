"""The choices of my user about others, as one part."""

from msgspec import Struct

from peer.runtime.choices.ignore_list import IgnoreList
from peer.runtime.choices.quiet_places import QuietPlaces
from peer.runtime.choices.watch_book import WatchBook


class Choices(Struct, frozen=True):
    ignored: IgnoreList
    watched: WatchBook
    quiet: QuietPlaces
