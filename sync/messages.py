"""The wire contract between a terminal and the central server: every message of it.

Every message is JSON over HTTPS, signed by the terminal (RFC 9421, see `SIGNED_COMPONENTS`). Which
version this is, and what a change of it takes, is the rule of `sync.contract`.

| request                    | body           | answer            |
|----------------------------|----------------|-------------------|
| POST /api/v1/enrol         | EnrolRequest   | EnrolAnswer       |
| POST /api/v1/envelopes     | Batch          | BatchAnswer       |
| POST /api/v1/eligibility   | Envelope       | EligibilityAnswer |
| POST /api/v1/pieces        | Piece          | PieceAnswer       |
| POST /api/v1/in-pieces     | InPieces       | BatchAnswer       |
| POST /api/v1/heartbeat     | Heartbeat      | HeartbeatAnswer   |
| POST /api/v1/journal       | Checkpoint     | CheckpointAnswer  |
| POST /api/v1/card-proof    | CardProof      | CardProofAnswer   |
| POST /api/v1/card-opening  | CardOpening    | CardOpeningAnswer |
| POST /api/v1/card-script   | ScriptQuestion | ScriptAnswer      |

The journal is there since version 1.3, the card's three since 1.4.

A request that is refused as a whole is answered with an HTTP error and a `Refusal`.

`schema_version` is the major version of a message or document that may be kept before it is read:
in a batch, in an envelope's header, and in what is sealed.

Field rules are those of the province's card management (domain §2.3) and the application form
附件1 (domain R-B1).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sync.canonical import Json, canonical, sha256_hex
from sync.contract import CONTRACT
from sync.header import SCHEMA_VERSION, EnvelopeHeader
from sync.values import (
    Algorithm,
    Base64,
    Code,
    Day,
    Decimal,
    IdNumber,
    ItemId,
    KeyId,
    Moment,
    Name,
    Sha256,
    Short,
    TerminalNo,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = [
    "API",
    "SCHEMA_VERSION",
    "SIGNED_COMPONENTS",
    "ApplicationForm",
    "Batch",
    "BatchAnswer",
    "CameraFrame",
    "CardFacts",
    "CardOpening",
    "CardOpeningAnswer",
    "CardProof",
    "CardProofAnswer",
    "Checkpoint",
    "CheckpointAnswer",
    "CheckpointVerdict",
    "Consent",
    "DesiredState",
    "EligibilityAnswer",
    "EligibilityQuestion",
    "EnrolAnswer",
    "EnrolRequest",
    "Envelope",
    "EnvelopeHeader",
    "EnvelopeKey",
    "Export",
    "FaceComparison",
    "FirstApplication",
    "HealthRow",
    "Heartbeat",
    "HeartbeatAnswer",
    "InPieces",
    "ItemAnswer",
    "LivenessHint",
    "PhotoEvidence",
    "Piece",
    "PieceAnswer",
    "QueueReport",
    "Refusal",
    "Rejection",
    "RuleLine",
    "ScriptAnswer",
    "ScriptPurpose",
    "ScriptQuestion",
    "ScriptStep",
    "SignatureRecord",
    "Verdict",
    "binding_sha256",
    "canonical",
    "form_sha256",
    "sha256_hex",
]

#: Where the contract lives on the server.
API = f"/api/v{CONTRACT.major}"

#: What a request signature covers; Content-Digest covers the body. Not the scheme: a proxy may
#: end TLS. `SIGNATURE_TAG` keeps these signatures apart from any other use of the key.
SIGNED_COMPONENTS = ("@method", "@authority", "@path", "content-type")
SIGNATURE_TAG = "kiosk-terminal"

#: Largest number of envelopes in a batch, and largest sealed envelope in bytes.
BATCH_LIMIT = 20
SEALED_LIMIT = 512 * 1024

#: Largest number of envelopes in a file on removable media, and what its signature is for.
EXPORT_LIMIT = 200
EXPORT_PURPOSE = "kiosk-export-1"

#: What the centre's signature under an envelope key is for.
KEY_PURPOSE = "kiosk-envelope-key-1"

#: What the signature of a checkpoint is for.
CHECKPOINT_PURPOSE = "kiosk-journal-1"

#: Largest piece of a sealed envelope that is sent in pieces, bytes.
PIECE_LIMIT = 64 * 1024

KIND_FIRST_APPLICATION = "first_application"
KIND_ELIGIBILITY = "eligibility_question"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Signed(BaseModel):
    """Carries a signature over all else in it, as it was sent: a field that one side does not know,
    or fills in for itself, would make the signature wrong within the same major version."""

    model_config = ConfigDict(frozen=True, extra="allow")

    signature: Base64 = b""

    @classmethod
    def unsigned(cls, **fields: object) -> Self:
        """To be signed: every field is said, also those that are as always."""
        return cls.model_validate(cls.model_validate(fields).model_dump(mode="json"))

    def signed_bytes(self) -> bytes:
        said = self.model_dump(mode="json", exclude={"signature"}, exclude_unset=True)
        return canonical(said)

    def signed_with(self, signature: bytes) -> Self:
        return self.model_copy(update={"signature": signature})


# -- envelopes -----------------------------------------------------------------------------------


class Envelope(_Message):
    """A header in the clear and contents only the centre can read (`sync.envelope`).

    `header` stays as it was received, because it is sealed with the contents byte for byte; so does
    the rest, because an export is signed over all of it.
    """

    model_config = ConfigDict(extra="allow")

    header: dict[str, str | int | bool]
    sealed: Annotated[Base64, Field(max_length=SEALED_LIMIT)]

    @model_validator(mode="after")
    def _header_is_right(self) -> Envelope:
        EnvelopeHeader.from_wire(self.header)
        return self

    @classmethod
    def of(cls, header: Mapping[str, object], sealed: bytes) -> Envelope:
        """An envelope from the parts an outbox keeps."""
        return cls.model_validate({"header": header, "sealed": sealed})

    @property
    def facts(self) -> EnvelopeHeader:
        """The header as this version understands it."""
        return EnvelopeHeader.from_wire(self.header)


class Batch(_Message):
    """Envelopes in the order in which they were made, urgent ones first."""

    schema_version: int = SCHEMA_VERSION
    envelopes: Annotated[list[Envelope], Field(min_length=1, max_length=BATCH_LIMIT)]


class Verdict(StrEnum):
    """What became of one envelope."""

    #: It took effect, now or when the same id came before.
    ACCEPTED = "accepted"
    #: Another application of this person is open; this one has no effect.
    DUPLICATE = "duplicate"
    #: It has no effect and never will. `rejection` says why.
    REJECTED = "rejected"
    #: The centre could not deal with it now; send it again.
    LATER = "later"


class Rejection(StrEnum):
    """The four refusals of the card management; what the citizen can do next differs."""

    PERSON_UNKNOWN = "person_unknown"
    MISMATCH = "mismatch"
    DUPLICATE_APPLICATION = "duplicate_application"
    NOT_PERMITTED = "not_permitted"


def _known(kind: type[StrEnum], instead: StrEnum) -> BeforeValidator:
    """Reads a word of a newer centre as one that this terminal knows."""
    return BeforeValidator(
        lambda word: instead if isinstance(word, str) and word not in set(kind) else word
    )


#: Not known: neither taken nor refused as far as this terminal can tell, so it is sent again.
KnownVerdict = Annotated[Verdict, _known(Verdict, Verdict.LATER)]
#: Not known: the citizen is sent to the window, where somebody sees why.
KnownRejection = Annotated[Rejection, _known(Rejection, Rejection.NOT_PERMITTED)]


class ItemAnswer(_Message):
    """The answer to one envelope.

    REJECTED without a `rejection` means that the envelope itself is unusable (it does not open, a
    hash is wrong …): the terminal keeps it as a dead letter for a technician.
    """

    id: str
    verdict: KnownVerdict
    rejection: KnownRejection | None = None
    #: Why, in a word, e.g. "open_application", "form_hash". Nothing personal.
    reason: Annotated[str, Field(max_length=60)] = ""


class BatchAnswer(_Message):
    answers: list[ItemAnswer]


class Export(_Signed):
    """Envelopes on removable media, signed with the device key."""

    format: Literal[1] = 1
    terminal: TerminalNo
    device_key_id: KeyId
    made: Moment
    envelopes: Annotated[list[Envelope], Field(min_length=1, max_length=EXPORT_LIMIT)]


class Piece(_Message):
    """Part of a sealed envelope, over a line too bad to carry it whole.

    The server keeps what it has; a piece that does not begin where that ends changes nothing. An
    empty piece asks how much there is.
    """

    id: ItemId
    total: Annotated[int, Field(ge=1, le=SEALED_LIMIT)]
    offset: Annotated[int, Field(ge=0, le=SEALED_LIMIT)]
    data: Annotated[Base64, Field(max_length=PIECE_LIMIT)]


class PieceAnswer(_Message):
    """Bytes from the start of the envelope that the server has."""

    held: int


class InPieces(_Message):
    """All pieces were sent: here is the header, and the hash that they must have together."""

    header: dict[str, str | int | bool]
    sealed_sha256: Sha256


# -- the first application (domain §5.1) ---------------------------------------------------------


class _Document(BaseModel):
    """Part of what was signed: every field is kept, also those this version does not know, so
    that the hash over it can be recomputed."""

    model_config = ConfigDict(frozen=True, extra="allow")


class UrbanAddress(_Document):
    """城镇: area, estate, building, entrance (may be empty), room."""

    kind: Literal["urban"]
    area_code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    area_name: Text
    estate: Text
    building: Text
    entrance: Text
    room: Text
    text: Text


class RuralAddress(_Document):
    """农村: area, township, village, detail."""

    kind: Literal["rural"]
    area_code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    area_name: Text
    township: Text
    village: Text
    detail: Text
    text: Text


class ApplicationForm(_Document):
    """《河北省社会保障卡申领登记表》: exactly what the citizen reviewed and signed."""

    name: Name
    #: GB/T 2261.1: "1" 男, "2" 女.
    sex: Literal["1", "2"]
    id_number: IdNumber
    birth: Day
    #: GB/T 3304.
    ethnic: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    special_group: Code
    phone: Annotated[str, Field(pattern=r"^1[3-9][0-9]{9}$")]
    address: Annotated[UrbanAddress | RuralAddress, Field(discriminator="kind")]
    id_address: Text
    id_issuer: Text
    id_valid_from: Day
    #: Empty: 长期.
    id_valid_to: Day | Literal[""]
    bank: Code
    outlet: Code
    pickup: Code
    photo_sha256: Sha256


class SignatureRecord(_Message):
    """The signature and what it is bound to."""

    png: Base64
    strokes_sha256: Sha256 | None = None
    form_sha256: Sha256
    signed_at: Moment
    binding_sha256: Sha256


class Consent(_Message):
    """A text that was agreed to, in the version that was shown."""

    text_id: Annotated[str, Field(max_length=80)]
    text_version: Annotated[str, Field(max_length=80)]
    agreed_at: Moment


class RuleLine(_Message):
    """One rule of the photo standard, as the terminal measured it. Numbers are decimal text."""

    rule: Code
    value: Decimal = ""
    low: Decimal = ""
    high: Decimal = ""
    #: "met", "warning", "broken" or "cannot_tell".
    verdict: Short


class CameraFrame(_Message):
    """The frame a photo was cut from, all of it; empty where it was not kept."""

    jpeg: Base64 = b""
    width: int = 0
    height: int = 0
    #: Width in pixels that the camera gave, where the frame had to be made smaller.
    camera_width: int = 0
    quality: int = 0


class LivenessHint(_Message):
    """ "seen", "not_seen", "cannot_tell" or "not_asked". Nothing is refused because of it."""

    blink: Short = "not_asked"
    turn: Short = "not_asked"
    unbroken: bool = True


class FaceComparison(_Message):
    """The photo against the ID card's portrait. Nothing is refused because of it."""

    place: Short = "none"
    #: "match", "unsure", "mismatch" or "cannot_tell".
    band: Short = "cannot_tell"
    distance: Decimal = ""
    method: Short = ""
    why: Short = ""
    #: Only where the citizen agreed that the centre compares.
    portrait_png: Base64 = b""


class PhotoEvidence(_Message):
    """How the photo came about: claims of the terminal, for the centre to check."""

    standard: Short = ""
    rules: Annotated[list[RuleLine], Field(max_length=100)] = []
    frame: CameraFrame = CameraFrame()
    tries: int = 1
    #: The citizen said that a head covering cannot be taken off: a person must look.
    head_covering: bool = False
    liveness: LivenessHint = LivenessHint()
    comparison: FaceComparison = FaceComparison()


class FirstApplication(_Message):
    """首次申领: the contents of an envelope of kind "first_application"."""

    schema_version: int = SCHEMA_VERSION
    request_id: str
    receipt_no: str
    policy_version: Annotated[str, Field(max_length=40)]
    form: ApplicationForm
    form_sha256: Sha256
    photo_jpeg: Base64
    signature: SignatureRecord
    consents: list[Consent]
    #: Since 1.2.
    photo_evidence: PhotoEvidence | None = None


def form_sha256(form: ApplicationForm) -> str:
    """The hash the citizen's signature is bound to, over the form as it was received."""
    document: Json = form.model_dump(mode="json", exclude_unset=True)
    return sha256_hex(document)


def binding_sha256(form_hash: str, png: bytes, signed_at: str) -> str:
    """Ties one signature to one form at one time: change any of them and it differs."""
    bound = {"form": form_hash, "signature": sha256_hex(png), "signed_at": signed_at}
    return sha256_hex(bound)


# -- questions -----------------------------------------------------------------------------------


class EligibilityQuestion(_Message):
    """Contents of an envelope of kind "eligibility_question". Personal, hence sealed."""

    schema_version: int = SCHEMA_VERSION
    service: Code
    id_number: IdNumber
    name: Name


class EligibilityAnswer(_Message):
    """Nothing personal comes back, so the answer needs no seal."""

    #: None: this person may apply.
    rejection: KnownRejection | None = None
    reason: Annotated[str, Field(max_length=60)] = ""

    @property
    def standing(self) -> str:
        """One word: "eligible" or one of the four refusals."""
        return self.rejection.value if self.rejection else "eligible"


# -- social security cards ------------------------------------------------------------------------


#: 随机因子 of a card, and the first bytes of its proof.
EightBytes = Annotated[Base64, Field(min_length=8, max_length=8)]
_Hex = Annotated[str, Field(pattern=r"^([0-9A-F]{2}){0,40}$")]


class CardFacts(_Message):
    """What a card tells everybody, for the 加密机 to find its keys; nothing of it names the holder.
    In hexadecimal."""

    region: Annotated[str, Field(pattern=r"^[0-9A-F]{6}$")]
    #: 卡复位信息: historical bytes of the answer to reset.
    reset_info: _Hex
    #: "03": SM4.
    algorithm: Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")]
    #: 卡识别码.
    card_id: Annotated[str, Field(pattern=r"^[0-9A-F]{32}$")]


class CardProof(_Message):
    """First step, 内部认证: what the card answered to its two factors. Is it genuine?"""

    card: CardFacts
    process: EightBytes
    source: EightBytes
    proof: EightBytes


class CardProofAnswer(_Message):
    """It is: this may be named once, by the same terminal, for the same card, within seconds."""

    exchange: ItemId


class CardOpening(_Message):
    """Second step, 外部认证: the card's next two factors."""

    exchange: ItemId
    card: CardFacts
    process: EightBytes
    source: EightBytes


class CardOpeningAnswer(_Message):
    """What opens the holder's file of this card, now."""

    cryptogram: Annotated[Base64, Field(min_length=16, max_length=16)]


class ScriptPurpose(StrEnum):
    """What a script of the centre does to a card's PIN."""

    #: Back to the initial PIN, which the citizen must change before it is good for anything.
    RESET = "reset"
    UNBLOCK = "unblock"


class ScriptQuestion(_Message):
    """May this be done to this card? `authorisation`: the code that an operator gave out."""

    card: CardFacts
    purpose: ScriptPurpose
    authorisation: Annotated[str, Field(min_length=8, max_length=40)]
    #: Of the card; the script is good for nothing after the next one.
    challenge: EightBytes


class ScriptStep(_Message):
    """One command in hexadecimal, and the status words with which the script goes on."""

    command: Annotated[str, Field(pattern=r"^([0-9A-F]{2}){4,261}$")]
    expect: list[Annotated[str, Field(pattern=r"^[0-9A-Fx]{4}$")]] = ["9000"]


class ScriptAnswer(_Message):
    """For the terminal to carry to the card as it is (`hardware.card.script`)."""

    id: ItemId
    steps: Annotated[list[ScriptStep], Field(min_length=1, max_length=64)]


# -- enrolment and fleet -------------------------------------------------------------------------


class EnrolRequest(_Message):
    """A new terminal, with the code a technician was given. Signed with the new device key, which
    proves that the terminal holds it."""

    code: Annotated[str, Field(min_length=8, max_length=40)]
    #: Ed25519, 32 bytes.
    device_public_key: Annotated[Base64, Field(min_length=32, max_length=32)]
    hall: Text = ""


class EnrolAnswer(_Message):
    terminal: TerminalNo
    device_key_id: KeyId
    #: Public key to seal envelopes to, see `sync.envelope`.
    central_public_key: Base64
    central_key_id: KeyId
    algorithm: Algorithm
    #: Later keys have a higher number, and a signature by this one (Ed25519, 32 bytes). Without
    #: it the terminal keeps the key that it has here.
    central_key_number: Annotated[int, Field(ge=0)] = 0
    central_signing_key: Annotated[Base64, Field(max_length=32)] = b""


class EnvelopeKey(_Signed):
    """A public key to seal envelopes to from now on, signed by the centre."""

    number: Annotated[int, Field(ge=1)]
    key_id: KeyId
    algorithm: Algorithm
    public_key: Annotated[Base64, Field(max_length=4096)]
    signature: Annotated[Base64, Field(max_length=64)] = b""

    def signed_bytes(self) -> bytes:
        return KEY_PURPOSE.encode("ascii") + b"\n" + super().signed_bytes()


class Checkpoint(_Signed):
    """The end of a terminal's journal (`sync.journal`), signed with the device key.

    `since` is the end that the centre held last, with the hash that the journal has there now,
    which shows that what lies before has stayed as it was; "" if that entry was dropped with age.
    """

    terminal: TerminalNo
    device_key_id: KeyId
    seq: Annotated[int, Field(ge=1, lt=10**12)]
    hash: Sha256
    made: Moment
    since_seq: Annotated[int, Field(ge=0, lt=10**12)] = 0
    since_hash: Sha256 | Literal[""] = ""
    #: The first entry that the terminal itself found altered; 0: none.
    altered_seq: Annotated[int, Field(ge=0, lt=10**12)] = 0


class CheckpointVerdict(StrEnum):
    """What the centre makes of a checkpoint."""

    #: It continues what the centre holds.
    TAKEN = "taken"
    #: `held_seq` is the end that the centre holds: send the checkpoint with that as `since`.
    COMPARE = "compare"
    #: It contradicts what the centre holds: the journal was altered.
    ALTERED = "altered"


#: Not known: the centre has it, and says what it holds with the next one.
KnownCheckpointVerdict = Annotated[
    CheckpointVerdict, _known(CheckpointVerdict, CheckpointVerdict.TAKEN)
]


class CheckpointAnswer(_Message):
    verdict: KnownCheckpointVerdict
    held_seq: Annotated[int, Field(ge=0)] = 0


class HealthRow(_Message):
    """One device as the terminal's health table shows it. `detail` is technical."""

    device: Short
    state: Short
    since: Short = ""
    fault: Short = ""
    detail: Short = ""
    serial: Short = ""
    firmware: Short = ""
    counters: dict[str, int] = {}


class QueueReport(_Message):
    """The outbox in numbers. Ages in seconds; 0 if there is none."""

    queued: int
    sending: int
    dead: int
    oldest_s: int
    damaged_files: int = 0


class Heartbeat(_Message):
    """What a terminal is."""

    schema_version: int = SCHEMA_VERSION
    terminal: TerminalNo
    at: Moment
    versions: dict[str, str] = {}
    health: list[HealthRow] = []
    #: Age in seconds of the health table, written by the screen process; None: there is none.
    health_age_s: int | None = None
    queue: QueueReport
    #: Service id -> "open" or the id of the reason why not.
    services: dict[str, str] = {}
    #: Version of the desired state it holds.
    desired_version: str = ""
    #: The key it seals to; empty: it cannot take another.
    envelope_key_id: KeyId | Literal[""] = ""


class DesiredState(_Message):
    """What a terminal should be."""

    #: Changes with the contents; two states with the same version are the same.
    version: str
    #: Service id -> reason in Chinese, as it is shown on the home screen.
    closed_services: dict[str, str] = {}


class HeartbeatAnswer(_Message):
    server_time: Moment
    desired: DesiredState
    #: Only to a terminal that seals to another.
    envelope_key: EnvelopeKey | None = None


class Refusal(_Message):
    """Body of an HTTP error."""

    #: "unknown_key", "bad_signature", "clock_skew", "replayed", "terminal_disabled", "bad_code",
    #: "bad_request", "unreadable", one of `sync.contract`; for cards also "hsm_unreachable",
    #: "hsm_refused", "card_unproven", "exchange_unknown", "not_authorised".
    error: Annotated[str, Field(max_length=60)]
    server_time: str = ""
