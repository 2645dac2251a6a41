"""Each verdict of DOCTOR has its findings, and each mixture of findings has a verdict."""

from itertools import product

import pytest
from msgspec.structs import replace

from peer.core.doctor.verdict import Findings, Port, verdict

HOME = Findings(here="192.168.1.20", number=40_112)
BEHIND = replace(HOME, is_translated=True, outer="203.0.113.9")
KEPT, CHANGED = replace(BEHIND, keeps_port=True), replace(BEHIND, keeps_port=False)
FIREWALL = (
    "A firewall keeps others out. I can dial them, and my program dials those who want me; two"
    " such users open a way from both sides."
)
MAPPING = "Others reach me through the mapping of my router. Nothing to do."
PUNCHING = "Others reach me when both sides open a way (punching); the directory must be up for it."
PERHAPS = (
    "Others reach me when both sides open a way (punching), unless the router takes another port"
    " for each target; the directory must be up for it."
)
ONLY_OPEN = "Only users whose port is open reach me, by my dialling them."
ADVICE = (
    f"{ONLY_OPEN} Turn on port mapping (UPnP or NAT-PMP) in the router, or forward TCP 40112 to"
    " 192.168.1.20 and start with --listen 40112 --advertise 203.0.113.9:40112."
)
UNTOLD = "Whether others get through to my port is not known."
SAID = "203.0.113.9:40112"


@pytest.mark.parametrize(
    ("found", "code", "text"),
    [
        (replace(HOME, port=Port.OPEN), "V1", "Everybody who can reach 192.168.1.20 can reach me."),
        (replace(HOME, port=Port.SILENT), "V2", FIREWALL),
        (replace(HOME, port=Port.REFUSED), "V2", FIREWALL),
        (replace(HOME, port=Port.OTHER), "V2", FIREWALL),
        (HOME, "V0", UNTOLD),
        (replace(HOME, is_translated=None), "V0", "Whether others reach me is not known."),
        (replace(BEHIND, port=Port.SILENT, mapped=40_200), "V3", MAPPING),
        (replace(BEHIND, port=Port.OPEN), "V3", MAPPING),
        (replace(BEHIND, port=Port.OPEN, mapped=40_112), "V3", MAPPING),
        (replace(BEHIND, port=Port.UNKNOWN, mapped=40_112), "V3", MAPPING),
        (replace(KEPT, port=Port.SILENT), "V4", PUNCHING),
        (replace(KEPT, port=Port.UNKNOWN), "V4", PUNCHING),
        (replace(BEHIND, port=Port.REFUSED), "V4", PERHAPS),
        (replace(CHANGED, port=Port.SILENT), "V5", ADVICE),
        (replace(CHANGED, outer=""), "V5", ADVICE.replace("203.0.113.9", "HOST")),
        (replace(KEPT, has_second_router=True), "V6", PUNCHING),
        (replace(BEHIND, has_second_router=True), "V6", PERHAPS),
        (replace(CHANGED, has_second_router=True), "V6", ONLY_OPEN),
        (replace(CHANGED, port=Port.SILENT, mapped=40_112), "V6", ONLY_OPEN),
        (replace(KEPT, port=Port.OTHER, mapped=40_112), "V6", PUNCHING),
        (
            replace(HOME, is_open_over_ipv6=True, port=Port.SILENT), "V7",
            f"Over IPv6 everybody reaches me. Over IPv4: {FIREWALL}",
        ),
        (
            replace(HOME, port=Port.OPEN, outer="203.0.113.9"), "V8",
            "The directory sits in my own network: users outside will be told 192.168.1.20."
            " Start with --advertise.",
        ),
        (
            replace(CHANGED, no_directory="nothing answers at 10.0.0.5:5000"), "V9",
            "Nothing answers at 10.0.0.5:5000. Conversations go on; nothing new can be found.",
        ),
        (
            Findings(no_directory="nothing answers at 10.0.0.5:5000", is_alone=True), "V9",
            "Nothing answers at 10.0.0.5:5000. See whether HOST and PORT are right, dirserver runs"
            " there, and this machine is in a network that leads there.",
        ),
        (
            Findings(no_directory="the name carol is taken", is_alone=True, is_refused=True), "V9",
            "The name carol is taken.",
        ),
        (
            replace(HOME, port=Port.OPEN, said=SAID), "V3",
            f"Others reach me at {SAID}, which I advertise. Nothing to do.",
        ),
        (
            replace(CHANGED, said=SAID), "V3",
            f"Others are told {SAID}, as --advertise says; only somebody outside can tell whether"
            " it leads to me.",
        ),
        (
            replace(HOME, is_beside_directory=True), "V0",
            "The directory is on this machine, so it cannot tell whether others reach me.",
        ),
    ],
)  # fmt: skip
def test_the_findings_have_this_verdict(found: Findings, code: str, text: str) -> None:
    told = verdict(found)
    assert (told.code, told.text) == (code, text)


def test_every_mixture_of_findings_has_a_verdict() -> None:
    flags = (False, True)
    for cause, translated, port, mapped, second, keeps, ipv6, outer in product(
        ("", "gone"), (None, *flags), Port, (0, 40_112, 40_200), flags, (None, *flags), flags,
        ("", "8.8.8.8"),
    ):  # fmt: skip
        told = verdict(Findings(
            no_directory=cause, is_translated=translated, port=port, mapped=mapped,
            has_second_router=second, keeps_port=keeps, is_open_over_ipv6=ipv6, outer=outer,
            here="192.168.1.20", number=40_112,
        ))  # fmt: skip
        assert told.code in {f"V{number}" for number in range(10)}
        assert told.text.endswith(".")
        if second and translated and not ipv6 and not cause and port is not Port.OPEN:
            assert "Turn on port mapping" not in told.text
