"""Lines that somebody may have typed before they press Tab."""

from hypothesis import strategies as st

from peer.commands.table import TABLE

LINES = (
    st.text()
    | st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "/", " "]),
        st.sampled_from([words for entry in TABLE for words in entry.words]),
        st.sampled_from(["", " ", " (", "\u3000", " da", " dave ", " dave hi"]) | st.text(),
    )
    | st.builds(
        "{}{}{}".format,
        st.sampled_from(["#lab", "/#lab", " #lab", "GO #lab", "#lab~dave~2", "#"]),
        st.sampled_from(["", " ", " \u3000", " hi", " hi dave"]),
        st.just("") | st.text(max_size=3),
    )
)  # fmt: skip
