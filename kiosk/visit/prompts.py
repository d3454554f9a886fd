"""The vocabulary of the counter: everything a service may say to a citizen or ask of a device.

A prompt says *what* is asked; its `id` names the words (`<id>.title`, `<id>.text` … in
`kiosk/words`), the log event and the test selector. `screens/` has one screen per class here, and
`kiosk/operations` one function per class that a device or the network answers.

| prompt       | answered by        | answer                                     |
|--------------|--------------------|--------------------------------------------|
| Notice       | citizen            | `Agreement`: when it was read or agreed to |
| Choice       | citizen            | the value of the chosen option             |
| Resume       | citizen            | "go_on" or "anew"                          |
| Form         | citizen            | {field name: text}, every field valid      |
| PlaceIdCard  | ID-card reader     | `IdCard`, or None: 没带身份证, if offered   |
| ReadCard     | card reader        | `SocialCard`                               |
| ScanCard     | scanner and centre | `ElectronicCard`; that nobody knows is one |
| EnterPin     | citizen            | True; the PIN itself is no answer          |
| UsePin       | card reader        | `PinUsed`                                  |
| RunScript    | card reader        | `PinUsed`                                  |
| AskConsent   | citizen            | the time of consent, or None: declined     |
| TakePhoto    | camera and citizen | `Capture`                                  |
| TakePage     | document camera    | `Page`                                     |
| ChoosePhoto  | citizen            | which of the photos, or "again"            |
| CompareFaces | this terminal      | `Compared`, a hint with its time           |
| Review       | citizen            | True; a row may be revised instead         |
| Sign         | citizen            | `Strokes`                                  |
| AskCentral   | central server     | `Reply`; offline is one                    |
| Submit       | outbox             | `Submitted`: on disk, sealed, for good     |
| AwaitVerdict | outbox             | `Verdict`, as far as it is known by then   |
| FindMine     | outbox             | what this terminal filed for this person   |
| Listing      | citizen            | True, or which entry is printed, taken up  |
| Print        | receipt printer    | None; a `DeviceFault` if it was not printed |
| AskStaff     | citizen and staff  | `Staff` whose code was right, or None      |
| Advice       | citizen            | True: read where to go instead; or "print" |
| Done         | citizen            | True: they have read the result; "reprint" |

Idle times are those of domain §2.5. What tells of the citizen is left out of every `repr`, so that
no log and no message of an exception holds it (`tests/flows/test_reprs.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from hardware.faults import Device
from kiosk.late import dataclass
from kiosk.records import rules
from kiosk.records.electronic import ElectronicCard
from kiosk.records.pins import PinUsed
from kiosk.records.signature import SHORTEST_SIGNATURE, Strokes
from kiosk.records.staff import Staff
from kiosk.records.submission import Mine, Question, Reply, Submitted, Verdict
from kiosk.visit.flow import Performed, Prompt, Unacceptable

if TYPE_CHECKING:
    # In quotes below: what is read from cards and taken by cameras is not loaded with the prompts.
    from hardware.card.contents import SocialCard
    from hardware.id_documents import IdCard
    from kiosk.photo.capture import Capture
    from kiosk.photo.faces import Comparison
    from kiosk.photo.findings import CardPhoto
    from kiosk.photo.pages import Page
    from kiosk.receipts import Slip
    from kiosk.records.transaction import Transaction

#: Who takes pages: the document camera, or the other one where there is none.
PAGE_CAMERA = "page_camera"

#: Who reads the code of an electronic card: the scanner, or the camera where there is none.
CODE_READER = "code_reader"

#: Facts put into the words of a prompt: placeholder -> text.
Facts = Mapping[str, str | int]


@dataclass(frozen=True)
class PutBack:
    """Progress of an operation: the card was taken away too early and may be put back. `left_s`:
    seconds until it is given up."""

    left_s: int


@dataclass(frozen=True)
class Agreement:
    """That a notice was read, or agreed to. `at` is an aware date-time; `exception`: the citizen
    went on by the second button, for whom the notice makes an exception."""

    at: datetime
    exception: bool = False


@dataclass(frozen=True)
class Notice(Prompt[Agreement]):
    """Something the citizen must have read before going on.

    Words: `<id>.title`, for each point `<id>.<point>.title` and `<id>.<point>.text`, `<id>.agree`,
    and with an exception `<id>.exception`, a second button of the same size.
    """

    id: str
    #: (name of the point, icon) in the order shown.
    points: tuple[tuple[str, str], ...]
    #: Whether going on means consent, which is then recorded with the time.
    must_agree: bool = False
    facts: Facts = field(default_factory=dict, repr=False)
    #: Whether there is a second way on, for whom the usual does not fit.
    exception: bool = False
    #: Seconds to read, before which the page does not go on.
    least_s: float = 0.0
    #: Whether the page reads itself aloud: the words `<id>.aloud`, without a fact.
    aloud: bool = False

    def check(self, answer: Agreement) -> Agreement:
        if answer.exception and not self.exception:
            raise Unacceptable("prompt.choice.unknown")
        return answer


@dataclass(frozen=True)
class Option:
    """One thing to choose. `label` and `detail` are shown as they are; without a label the words
    `<prompt id>.<value>.label` (and `.detail`, if there) are shown."""

    value: str
    label: str = field(default="", repr=False)
    detail: str = field(default="", repr=False)
    icon: str = ""


@dataclass(frozen=True)
class Choice(Prompt[str]):
    """One of several. A touch on an option answers; no option is preselected (domain R-F8)."""

    id: str
    options: tuple[Option, ...]
    facts: Facts = field(default_factory=dict, repr=False)
    #: Whether it belongs to this visit alone, e.g. to the proof of who stands there.
    only_now: bool = field(default=False, kw_only=True)

    def may_wait(self) -> bool:
        return not self.only_now

    def check(self, answer: str) -> str:
        if all(answer != option.value for option in self.options):
            raise Unacceptable("prompt.choice.unknown")
        return answer


@dataclass(frozen=True)
class Resume(Choice):
    """Whether to go on with what was left unfinished another day, here or at another terminal.
    "go_on" fills the prompts that follow; `answers`: prompt id -> answer."""

    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def may_wait(self) -> bool:
        return False

    def offers(self, answer: str) -> Mapping[str, Any]:
        return self.answers if answer == "go_on" else {}


@dataclass(frozen=True)
class Field:
    """One box of a form. Words: `field.<name>.label`, and `.hint` shown while it is empty."""

    name: str
    #: Name of the rule in `kiosk.records.rules.RULES`; decides what is valid and how to normalise.
    rule: str
    #: Which keyboard it opens: "digits", "id_digits" (with X), "house" (numbers on doors),
    #: "chinese" (pinyin, with letters and digits behind keys).
    keyboard: str
    #: What the box holds before anything is entered (from the ID card).
    initial: str = field(default="", repr=False)
    #: Longest entry, characters.
    longest: int = 40
    optional: bool = False
    #: Filled only by who touches it: 下一步 does not lead to it.
    aside: bool = False


@dataclass(frozen=True)
class Form(Prompt[Mapping[str, str]]):
    """Some boxes on one page, filled with a keyboard on the screen."""

    id: str
    fields: tuple[Field, ...]
    facts: Facts = field(default_factory=dict, repr=False)

    enters: ClassVar[bool] = True
    idle_s: ClassVar[float | None] = 120.0

    def may_wait(self) -> bool:
        return True

    def check(self, answer: Mapping[str, str]) -> Mapping[str, str]:
        return {box.name: self.check_field(box, answer.get(box.name, "")) for box in self.fields}

    @staticmethod
    def check_field(box: Field, text: str) -> str:
        """Return one entry normalised, or raise `Unacceptable` with its field."""
        text = text.strip()
        if not text:
            if box.optional:
                return ""
            raise Unacceptable("field.empty", box.name)
        if len(text) > box.longest:
            raise Unacceptable("field.too_long", box.name, longest=box.longest)
        try:
            return rules.RULES[box.rule](text)
        except rules.Broken as broken:
            raise Unacceptable(f"rule.{broken.rule}", box.name) from None


@dataclass(frozen=True)
class PlaceIdCard(Performed["IdCard | None"]):
    """身份证 on the reader. Reports `IdStep` while it waits, `PutBack` if it was taken too
    early. `may_lack`: the citizen may say that they have none here. Words: `<id>.lacking`."""

    id: str
    may_lack: bool = False

    performed_by: ClassVar[str | None] = Device.ID_READER
    idle_s: ClassVar[float | None] = 60.0

    def check(self, answer: IdCard | None) -> IdCard | None:
        if answer is None and not self.may_lack:
            raise Unacceptable("prompt.choice.unknown")
        return answer


@dataclass(frozen=True)
class ReadCard(Performed["SocialCard"]):
    """社会保障卡 in the slot or on the antenna, read without a PIN.

    `holder`: whether the service has to know whose it is. Otherwise a third-generation card is not
    opened, and whatever opens it (`card_authenticator` in the settings) may be away.
    """

    id: str
    holder: bool = False
    #: Whether the card is asked how many wrong PINs it would still take.
    tries: bool = False
    #: Whether a card that was pulled in this visit is waited for, ten seconds, then CARD_PULLED.
    back: bool = False

    performed_by: ClassVar[str | None] = Device.CARD_READER
    idle_s: ClassVar[float | None] = 60.0


@dataclass(frozen=True)
class ScanCard(Performed[ElectronicCard]):
    """The code of an electronic card (电子社保卡) before the scanner or the camera, asked about at
    the centre at once. Reports `ScanStep` while it waits, and `CodeView`s of the camera. The code
    itself is no answer. Words: `<id>.title`, `<id>.text`."""

    id: str

    performed_by: ClassVar[str | None] = CODE_READER
    idle_s: ClassVar[float | None] = 60.0


@dataclass(frozen=True)
class EnterPin(Prompt[bool]):
    """The PIN of the card that is in, typed unseen. The screen gives it to the terminal
    (`kiosk.records.pins.Pins`); the answer only says that it is there.

    `new`: one that the citizen makes up now, typed twice. Words: `<id>.title`, `<id>.text`.
    """

    id: str
    card: int
    new: bool = False
    #: Of the card, None where it does not say; shown.
    tries_left: int | None = None
    #: ID number of the holder, of which a new PIN may be no part.
    owner: str = field(default="", repr=False)
    #: Their telephone number as the centre has it, masked: no part of that either.
    phone: str = field(default="", repr=False)
    #: Id of words why it is asked once more, "" the first time.
    again: str = ""

    idle_s: ClassVar[float | None] = 60.0

    def needs_card(self) -> int | None:
        return self.card


@dataclass(frozen=True)
class UsePin(Performed[PinUsed]):
    """Verify the PIN that was entered, or `change` it to the new one, at the card of this visit,
    once. A card that is pulled is waited for ten seconds, and asked how it stands now.

    `keep`: a change follows and needs the PIN once more; one that cards are issued with is kept in
    any case, because it has to be changed.
    """

    id: str
    card: SocialCard
    keep: bool = False
    change: bool = False

    performed_by: ClassVar[str | None] = Device.CARD_READER
    effect: ClassVar[bool] = True
    final: ClassVar[bool] = True


@dataclass(frozen=True)
class RunScript(Performed[PinUsed]):
    """What the centre has allowed for this card, once: "reset" or "unblock" of its PIN."""

    id: str
    card: SocialCard
    purpose: str
    #: Id of the request that the centre has accepted.
    request: str

    performed_by: ClassVar[str | None] = Device.CARD_READER
    effect: ClassVar[bool] = True
    final: ClassVar[bool] = True


@dataclass(frozen=True)
class AskConsent(Prompt[datetime | None]):
    """A consent that stands by itself and may be refused without any consequence.

    Words: as of a `Notice`, and `<id>.agree`, `<id>.decline`.
    """

    id: str
    points: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TakePhoto(Performed["Capture"]):
    """One try at the card photo. Reports `kiosk.operations.camera.View`s; it is taken by itself.

    The operation understands three words from the screen: "now" (take it without more advice),
    "pause" while something else is read, and "resume". It does not ask in the sense of Back, which
    leads to the notice before it: a photo that was taken counts, however often one goes back.
    """

    id: str
    attempt: int = 1
    #: Whether something is worn that cannot be taken off (domain R-D16).
    excused: bool = False

    performed_by: ClassVar[str | None] = Device.CAMERA
    enters: ClassVar[bool] = True
    idle_s: ClassVar[float | None] = 90.0


@dataclass(frozen=True)
class TakePage(Performed["Page"]):
    """One page of paper, taken by itself once it can be read. Reports
    `kiosk.operations.pages.PageView`s, and understands "now": take it as it is. `last`: the page
    before, which is not taken twice."""

    id: str
    last: Page | None = None

    performed_by: ClassVar[str | None] = PAGE_CAMERA
    enters: ClassVar[bool] = True
    idle_s: ClassVar[float | None] = 90.0


@dataclass(frozen=True)
class ChoosePhoto(Prompt[str]):
    """Every photo taken so far, as it would be on the card. Its number ("1" …), or "again"."""

    id: str
    captures: tuple[Capture, ...]
    tries_left: int

    def check(self, answer: str) -> str:
        numbers = {str(number) for number in range(1, len(self.captures) + 1)}
        if answer not in numbers and not (answer == "again" and self.tries_left):
            raise Unacceptable("prompt.choice.unknown")
        return answer


@dataclass(frozen=True)
class Compared:
    """A comparison of faces and when it was made, an aware date-time."""

    comparison: Comparison
    at: datetime


@dataclass(frozen=True)
class CompareFaces(Performed[Compared]):
    """The chosen photo against the chip's portrait (102 x 126 x 3 bytes), with consent only."""

    id: str
    photo: CardPhoto
    portrait: bytes = field(repr=False)

    performed_by: ClassVar[str | None] = "verifier"


@dataclass(frozen=True)
class Row:
    """One line of a review: `label` is an id of words, `value` is shown as it is."""

    label: str
    value: str = field(repr=False)
    #: The step in which this can be changed, "" where it comes from the chip.
    revise: str = ""


@dataclass(frozen=True)
class Review(Prompt[bool]):
    """Everything that will be signed, on one page (domain R-B9)."""

    id: str
    rows: tuple[Row, ...]
    photo: CardPhoto | None = None

    idle_s: ClassVar[float | None] = 120.0

    def check(self, answer: bool) -> bool:
        if answer is not True:
            raise Unacceptable("prompt.choice.unknown")
        return answer


@dataclass(frozen=True)
class Sign(Prompt[Strokes]):
    """The signature under what was reviewed; `document` is the SHA-256 of the data signed, hex."""

    id: str
    document: str
    name: str = field(repr=False)

    enters: ClassVar[bool] = True
    idle_s: ClassVar[float | None] = 120.0

    def check(self, answer: Strokes) -> Strokes:
        if answer.drawn < SHORTEST_SIGNATURE:
            raise Unacceptable("prompt.sign.empty")
        return answer


@dataclass(frozen=True)
class AskCentral(Performed[Reply]):
    """A question whose answer only the central server has. Offline is one of the replies."""

    id: str
    question: Question

    performed_by: ClassVar[str | None] = "central"


@dataclass(frozen=True)
class Submit(Performed[Submitted]):
    """Seal the transaction and put it in the outbox. The answer comes after the durable commit:
    from here on it is promised (domain §6, DESIGN idea 4)."""

    id: str
    transaction: Transaction

    performed_by: ClassVar[str | None] = "outbox"
    effect: ClassVar[bool] = True
    commits: ClassVar[bool] = True

    def number_of(self, answer: Submitted) -> str:
        return answer.receipt_no


@dataclass(frozen=True)
class AwaitVerdict(Performed[Verdict]):
    """What the centre said, if it says so within `patience_s` seconds; else that it is queued."""

    id: str
    submitted: Submitted
    patience_s: float = 6.0

    performed_by: ClassVar[str | None] = "outbox"


@dataclass(frozen=True)
class FindMine(Performed[tuple[Mine, ...]]):
    """What this very terminal has filed for a person and not forgotten, newest first; offline this
    is all that can be known. `person`: the ID number, of which only a keyed hash is looked for."""

    id: str
    person: str = field(repr=False)

    performed_by: ClassVar[str | None] = "outbox"


@dataclass(frozen=True)
class Entry:
    """One thing in a listing. `title` and labels are ids of words; `state` is "ok", "waiting" or
    "trouble", said by `word`; what has a `number` can be printed."""

    title: str
    state: str
    word: str
    rows: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    number: str = field(default="", repr=False)
    #: Id of a sentence on what to do now.
    advice: str = ""
    #: Whether it can be printed (again).
    prints: bool = True
    #: Ids of the services that take it up, each a button with the words `service.<id>.button`.
    acts: tuple[str, ...] = ()
    #: All the steps it goes through, ids of words, and which of them it stands at.
    way: tuple[str, ...] = ()
    at_step: int = 0


@dataclass(frozen=True)
class Listing(Prompt[bool | str]):
    """What an enquiry found. The answer is True, the place of an entry to be printed ("0" …), or
    place and service that takes it up ("0:case_withdrawal").

    Words: `<id>.title`, `<id>.text`; `<id>.empty` where there is nothing.
    """

    id: str
    entries: tuple[Entry, ...]
    #: Whether a slip can be printed.
    prints: bool = True
    #: Ids of further words, e.g. that the centre could not be asked, or that it was printed.
    lines: tuple[str, ...] = ()

    asks: ClassVar[bool] = False
    idle_s: ClassVar[float | None] = 60.0

    def check(self, answer: bool | str) -> bool | str:
        if answer is not True and answer not in self.answers():
            raise Unacceptable("prompt.choice.unknown")
        return answer

    def may_print(self, entry: Entry) -> bool:
        return self.prints and entry.prints and bool(entry.number)

    def answers(self) -> tuple[str, ...]:
        """Whatever can be answered besides True."""
        places = list(enumerate(self.entries))
        printed = (str(place) for place, entry in places if self.may_print(entry))
        return (*printed, *(f"{place}:{act}" for place, entry in places for act in entry.acts))


@dataclass(frozen=True)
class Print(Performed[None]):
    """A receipt on paper. The action id makes a retry harmless: one action prints once. `again`: id
    of the transaction whose receipt this is once more, which is then counted (补打)."""

    id: str
    slip: Slip
    action: str
    again: str = ""

    performed_by: ClassVar[str | None] = Device.PRINTER
    effect: ClassVar[bool] = True


@dataclass(frozen=True)
class AskStaff(Prompt[Staff | None]):
    """A member of staff vouches for the citizen, with their own number and PIN (domain §5.0). None:
    nobody came, or the citizen does not want it. Words: `<id>.title`, `<id>.text`.

    The PIN never is an answer: the screen gives number and PIN to the terminal's roster, which
    says whose they are.
    """

    id: str
    #: Why a person is needed, ids of words below `<id>.reason`; the staff chooses one.
    reasons: tuple[str, ...]

    #: Staff may have to come first.
    idle_s: ClassVar[float | None] = 180.0


@dataclass(frozen=True)
class Advice(Prompt[bool | str]):
    """A dead end that is not one: why this cannot go on here, and where it can (domain §6).

    Words: `<id>.title`, `<id>.text`, `<id>.next`. The answer is True, "print" where a 窗口办理单
    can be printed, or "onward" where it leads on.
    """

    id: str
    icon: str = "information-outline"
    facts: Facts = field(default_factory=dict, repr=False)
    prints: bool = False
    #: Ids of further words, e.g. that it was printed, or why not.
    lines: tuple[str, ...] = ()
    #: Id of the service in which the citizen may go on, "" if there is none.
    onward: str = ""

    asks: ClassVar[bool] = False

    def check(self, answer: bool | str) -> bool | str:
        if answer is not True and answer not in self.others():
            raise Unacceptable("prompt.choice.unknown")
        return answer

    def others(self) -> tuple[str, ...]:
        """What may be answered beside True."""
        return ("print",) * self.prints + ("onward",) * bool(self.onward)


#: Seconds the result stays: usually, and while a receipt could not be printed, whose number the
#: citizen then has to write down (a 60 s page was too short for that).
RESULT_S, NUMBER_ONLY_S = 30.0, 180.0


@dataclass(frozen=True)
class Done(Prompt[bool | str]):
    """The result. Words: `<id>.title`, `<id>.text`; `state` is "ok", "waiting" or "trouble" and
    is always shown as icon and word, never by colour alone. The answer is True, or "reprint"."""

    id: str
    state: str
    number: str = ""
    facts: Facts = field(default_factory=dict, repr=False)
    #: Ids of further lines, e.g. what the state means.
    lines: tuple[str, ...] = ()
    #: Id of the words why there is no receipt; then the number stays longer, and 补打 is offered.
    not_printed: str = ""

    asks: ClassVar[bool] = False

    def silence_s(self) -> float | None:
        return NUMBER_ONLY_S if self.not_printed else RESULT_S

    def check(self, answer: bool | str) -> bool | str:
        if answer is not True and not (answer == "reprint" and self.not_printed):
            raise Unacceptable("prompt.choice.unknown")
        return answer


#: Every prompt there is; screens and operations are checked against it.
PROMPTS: tuple[type[Prompt[Any]], ...] = (
    Notice,
    Choice,
    Resume,
    Form,
    PlaceIdCard,
    ReadCard,
    ScanCard,
    EnterPin,
    UsePin,
    RunScript,
    AskConsent,
    TakePhoto,
    TakePage,
    ChoosePhoto,
    CompareFaces,
    Review,
    Sign,
    AskStaff,
    AskCentral,
    Submit,
    AwaitVerdict,
    FindMine,
    Listing,
    Print,
    Advice,
    Done,
)
