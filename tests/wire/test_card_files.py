"""What a card says, decoded: any bytes give a card or a named fault."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hardware.card.files import HOLDER_RECORDS, ISSUER_RECORDS, decode, read_social_card
from hardware.faults import DeviceFault, FaultCode


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40))
def test_a_card_that_answers_anything_gives_a_card_or_a_named_fault(answers: list[bytes]) -> None:
    rest = iter(answers * 40)

    def transmit(command: bytes) -> bytes:
        return next(rest)

    try:
        read_social_card(transmit)
    except DeviceFault as fault:
        assert fault.code in (FaultCode.CARD_FOREIGN, FaultCode.CARD_DAMAGED)


@given(
    st.dictionaries(st.sampled_from(sorted(ISSUER_RECORDS)), st.binary(max_size=40)),
    st.dictionaries(st.sampled_from(sorted(HOLDER_RECORDS)), st.binary(max_size=60)),
)
def test_any_records_are_a_card_or_a_damaged_one(
    issuer: dict[str, bytes], holder: dict[str, bytes]
) -> None:
    try:
        decode(issuer, holder)
    except DeviceFault as fault:
        assert fault.code is FaultCode.CARD_DAMAGED
