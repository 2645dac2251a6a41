"""Names in their order, page by page and by prefix."""

from hypothesis import given
from hypothesis import strategies as st

from directory_server.core.name_index import NameIndex

_names = st.text(alphabet="ab.z", min_size=1, max_size=4)


def index_of(*names: str) -> NameIndex:
    index = NameIndex()
    for name in names:
        index.add(name)
    return index


def test_names_come_in_their_order_whenever_they_were_added() -> None:
    index = index_of("dave", "bob", "carol")
    index.remove("carol")
    index.add("alice")
    assert list(index) == ["alice", "bob", "dave"]


def test_a_prefix_finds_the_names_that_begin_so_and_says_whether_there_are_more() -> None:
    index = index_of("joan", "jim", "john", "jo", "karl")
    assert index.page("", 2, "jo") == (["jo", "joan"], True)
    assert index.page("joan", 2, "jo") == (["john"], False)
    assert index.page("", 3, "jo") == (["jo", "joan", "john"], False)
    assert index.page("karl", 3, "jo") == ([], False)
    assert index.page("", 3, "x") == ([], False)


@given(st.sets(_names), st.sets(_names), st.text("ab.z", max_size=2), st.integers(1, 4))
def test_all_pages_together_are_all_names_with_the_prefix(
    names: set[str], gone: set[str], prefix: str, size: int
) -> None:
    index = index_of(*names)
    for name in names & gone:
        index.remove(name)
    found: list[str] = []
    after, more = "", True
    while more:
        page, more = index.page(after, size, prefix)
        assert len(page) == size or not more
        found += page
        after = page[-1] if page else ""
    assert found == sorted(name for name in names - gone if name.startswith(prefix))
