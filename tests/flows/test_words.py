"""Every word has its twin in the other language, and every prompt has its words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, reduce
from pathlib import Path

import pytest
from fonticon_mdi7 import MDI7

from hardware.faults import Device, FaultCode
from kiosk.records.submission import Standpoint
from kiosk.services import find_services
from kiosk.visit.prompts import PROMPTS, Choice, Done, Notice, Option, Submit
from kiosk.visit.service import Service
from kiosk.words import LANGUAGES, LOCALE, Words
from sync.outbox import Reason
from tests.flows import ways
from tests.flows.explore import explore, explored
from tests.flows.sources import unused

WORDS = {language: Words(language) for language in LANGUAGES}
SOURCES = Path(__file__).parents[2]
#: Names in the icon font, as services write them.
ICONS = {name.replace("_", "-") for name in vars(MDI7) if not name.startswith("_")}


def test_both_languages_have_the_same_ids() -> None:
    chinese, english = (WORDS[language].ids() for language in LANGUAGES)
    assert chinese - english == set()
    assert english - chinese == set()


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_use_the_same_facts() -> None:
    chinese, english = (WORDS[language] for language in LANGUAGES)
    differing = [
        key
        for key in chinese.ids()
        if placeholders(chinese.text(key)) != placeholders(english.text(key))
    ]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", FaultCode)
def test_every_fault_has_words_for_citizen_and_technician(language: str, code: FaultCode) -> None:
    for words in ("citizen", "technician", "fix"):
        assert WORDS[language].has(f"fault.{code}.{words}")


@cache
def faults_named_in(*folders: str) -> frozenset[str]:
    """Names of the codes that the files there write."""
    files = [file for folder in folders for file in (SOURCES / folder).rglob("*.py")]
    texts = (file.read_text("utf-8") for file in files if file != SOURCES / "hardware/faults.py")
    return frozenset(name for text in texts for name in re.findall(r"FaultCode\.(\w+)", text))


@pytest.mark.parametrize("code", FaultCode)
def test_every_fault_is_raised_somewhere_and_provoked_by_a_test(code: FaultCode) -> None:
    assert code.name in faults_named_in("hardware", "kiosk")
    assert code.name in faults_named_in("tests")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_why_nothing_can_be_stored_has_words(reason: Reason) -> None:
    for language in LANGUAGES:
        assert WORDS[language].has(f"fault.outbox_unavailable.reason.{reason}")


# -- whatever a service can show ---------------------------------------------------------------


EACH = pytest.mark.parametrize("service", find_services(), ids=lambda service: str(service.id))


@EACH
@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_a_service_can_show_has_its_words_facts_and_icons(
    service: type[Service], language: str
) -> None:
    assert explored(service).missing(WORDS[language], ICONS) == []


@EACH
def test_the_exploration_reaches_every_stage_and_every_end(service: type[Service]) -> None:
    found = explored(service)
    assert found.stages - {""} == set(service.stages)
    assert found.paths > 5


#: Steps that lead from one service to another; what cannot be begun now is not led to.
_LEADS_ON = {"card_progress"}


@EACH
def test_a_service_says_that_it_files_and_what_it_cannot_do_without(service: type[Service]) -> None:
    """✗ Who forgot it let citizens fill in a form for a full outbox."""
    prompts = [one for pages in explored(service).noted.values() for one in pages]
    files = any(isinstance(prompt, Submit) for prompt in prompts)
    assert service.submits is (files and service.id not in _LEADS_ON)
    assert service.needs <= {prompt.performed_by for prompt in prompts}
    if not service.needs & {Device.ID_READER, Device.CARD_READER}:
        assert not service.submits, "nobody would be known"


@EACH
def test_who_agrees_is_told_in_any_case_what_becomes_of_the_data(service: type[Service]) -> None:
    """✗ Where there was no printer, a child's guardian was not."""
    pages = [one for pages in explored(service).noted.values() for one in pages]
    agreed = [page for page in pages if isinstance(page, Notice) and page.must_agree]
    telling = {page.id for page in agreed if "data" in dict(page.points)}
    assert [page for page in agreed if page.id in telling and "data" not in dict(page.points)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_told_to_take_paper_that_was_not_printed(language: str) -> None:
    """✗ A guardian was told to take the receipt, and who booked to take the slip, where there is no
    printer. Result pages name the paper as `{receipt}`, which is empty then."""
    page = re.compile(r"\.(accepted|to_review|queued|not_accepted|already)\.text$")
    pages = [key for key in WORDS[language].ids() if page.search(key)]
    assert len(pages) > 30
    paper = re.compile(r"[和、]回执(?!”)|预约单|(your|and|the) (receipt|slip)\b")
    assert [key for key in pages if paper.search(WORDS[language].text(key))] == []


@EACH
def test_a_service_names_every_rule_that_it_asks_the_pack_for(service: type[Service]) -> None:
    """So that it is closed, not broken off, where an older pack has not got one."""
    asked = explored(service).rules
    # A rule may be a table, of which something is asked for.
    unnamed = {
        key
        for key in asked - service.rules
        if not any(
            key.startswith(f"{rule}.") or rule.startswith(f"{key}.") for rule in service.rules
        )
    }
    assert unnamed == set()
    assert service.rules <= asked


def test_every_prompt_there_is_can_be_answered_in_its_ways() -> None:
    assert set(PROMPTS) - set(ways._WAYS) == set()


class Guide(Service):
    """The example of docs/new-service.md, with no words and an icon that nobody has."""

    id, group, icon = "nowhere", "help", "book-open-page-that-is-not-there"
    stages = ("choose",)

    async def serve(self) -> None:
        self.at("choose")
        topic = await Choice(
            "nowhere.topic", (Option("apply", icon="no-such-icon"), Option("lost"))
        )
        await Done("nowhere.answer", state="ok", facts={"topic": topic})


def test_a_service_without_words_and_icons_is_found_out() -> None:
    """✗ It passed 615 tests."""
    missing = explore(Guide).missing(WORDS["zh_CN"], ICONS)
    assert missing == [
        "no icon 'book-open-page-that-is-not-there' (home)",
        "no icon 'no-such-icon' (nowhere.topic)",
        "no words nowhere.answer.title (nowhere.answer)",
        "no words nowhere.topic.apply.label (nowhere.topic)",
        "no words nowhere.topic.lost.label (nowhere.topic)",
        "no words nowhere.topic.title (nowhere.topic)",
        "no words service.nowhere.detail (home)",
        "no words service.nowhere.name (home)",
        "no words stage.nowhere.choose (progress)",
    ]


def test_a_fact_that_no_service_gives_is_found_out(tmp_path: Path) -> None:
    folder = tmp_path / "zh_CN"
    folder.mkdir()
    (folder / "a.toml").write_text(
        "[nowhere.answer]\ntitle = '{topic}，{weather}，{hotline}'\n", "utf-8"
    )
    missing = explore(Guide).missing(Words("zh_CN", tmp_path), ICONS)
    assert [line for line in missing if "fact" in line] == [
        "no fact {weather} for nowhere.answer.title (nowhere.answer)"
    ]


def test_a_service_that_crashes_or_goes_in_circles_is_found_out() -> None:
    class Circle(Guide):
        async def serve(self) -> None:
            while True:
                await Choice("guide.topic", (Option("lost"),))

    class Crash(Guide):
        async def serve(self) -> None:
            if await Choice("guide.topic", (Option("apply"), Option("lost"))) == "lost":
                raise KeyError

    assert any("goes in circles" in line for line in explore(Circle).trouble)
    assert any("crashes after" in line for line in explore(Crash).trouble)


# -- words that nobody says ----------------------------------------------------------------------


def test_no_words_lie_about_that_nobody_says() -> None:
    seen = [explored(service) for service in find_services()]
    said = set().union(*(found.ids() for found in seen))
    roots = {prompt.partition(".")[0] for found in seen for prompt in found.prompts}
    assert unused(WORDS["zh_CN"].ids() - said, SOURCES, roots) == []


def test_words_that_nobody_says_are_found_out() -> None:
    lost = {"apply.forgotten.title", "idle.forgotten", "nobody.knows"}
    assert unused(lost, SOURCES, {"apply"}) == sorted(lost)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_that_sends_to_another_service_calls_it_by_its_name(language: str) -> None:
    words = WORDS[language]
    names = {words.say(f"service.{service.id}.name") for service in find_services()}
    wrong = [
        (key, name)
        for key in words.ids()
        if "首页" in WORDS["zh_CN"].say(key)
        for name in re.findall(r"“(.+?)”", words.say(key))
        if name not in names
    ]
    assert wrong == []


def test_the_hotline_is_written_in_the_policy_and_nowhere_else() -> None:
    """✗ "12333" stood in eight sentences."""
    files = [
        file
        for folder in ("kiosk", "screens", "hardware")
        for file in (SOURCES / folder).rglob("*")
        if file.suffix in (".py", ".toml") and file.parent.name != "policy"
    ]
    assert len(files) > 100
    written = [
        str(file.relative_to(SOURCES)) for file in files if "12333" in file.read_text("utf-8")
    ]
    assert written in ([], ["kiosk/words/standing.py"])


@pytest.mark.parametrize("standpoint", Standpoint)
def test_every_state_has_its_word_and_its_meaning(standpoint: Standpoint) -> None:
    for language in LANGUAGES:
        assert WORDS[language].has(f"state.{standpoint}.word")
        assert WORDS[language].has(f"state.{standpoint}.meaning")


#: What only a business that asks for a card may say, in its own words.
OF_AN_APPLICATION = {"zh_CN": r"申领|领卡|申请", "en": r"(?i)\b(apply|applied|application)"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_every_business_shares_do_not_speak_of_an_application(language: str) -> None:
    """A second 解挂 was answered with 「不用再申请，请等着领卡」."""
    words = WORDS[language]
    shared = [key for key in words.ids() if key.startswith(("state.", "refused.", "filing."))]
    assert len(shared) > 20
    said = OF_AN_APPLICATION[language]
    assert [key for key in shared if re.search(said, words.say(key))] == []


#: In whatever speaks of applying where the business is none: the verb, not 领卡, which a card has.
APPLYING = {"zh_CN": r"申请|申领", "en": r"(?i)\b(apply(?!ing)|applied|applications?|applicant)\b"}


def speaking(language: str, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The words that speak of applying. What a service is called is its name wherever it stands."""
    words = WORDS[language]
    names = [words.say(f"service.{service.id}.name") for service in find_services()]
    said = [(one, words.say(one)) for one in ids if words.has(one)]
    bare = [(one, reduce(lambda text, name: text.replace(name, ""), names, t)) for one, t in said]
    return [(one, text) for one, text in bare if re.search(APPLYING[language], text)]


@EACH
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_makes_no_card_speaks_of_no_application(service: type[Service], language: str) -> None:
    """Whatever a 挂失, 解挂, 密码 or 查询 shows on its ways, with its faults. A new service
    is held to it by being there."""
    said = speaking(language, sorted(explored(service).ids()))
    assert service.makes_card or said == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_the_frame_speak_of_no_application(language: str) -> None:
    """✗ 「您的申请已经保存」 stood on the last page of a 挂失. The frame's are those that no
    service shows by itself: ends, waiting, home, and all faults for citizens."""
    own = {one for service in find_services() for one in explored(service).ids()}
    pages = "ending idle waiting home frame left_behind sign unfinished advice prompt leave"
    frame = {
        one
        for one in WORDS[language].ids() - own
        if one.partition(".")[0] in pages.split() or re.fullmatch(r"fault\..+\.citizen", one)
    }
    assert len(frame) > 150
    assert speaking(language, sorted(frame)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_filed_it_before_is_sent_to_the_progress_on_this_machine(language: str) -> None:
    words = WORDS[language]
    progress = words.say("service.card_progress.name")
    assert f"“{progress}”" in words.say("refused.duplicate_application.text"), "it is printed too"


def test_only_the_centre_makes_an_application_accepted() -> None:
    """「待上传回执 · 尚未生效」 may not sound like 已受理 (domain §5.0)."""
    assert WORDS["zh_CN"].say("state.queued.word") == "待上传回执 · 尚未生效"
    accepted = [key for key in WORDS["zh_CN"].ids() if WORDS["zh_CN"].say(key) == "已受理"]
    # The second is a stage that the centre names in its reply.
    assert sorted(accepted) == ["progress.stage.accepted.word", "state.accepted.word"]


#: Forms and tables have them so, and these are compared with what people write.
AS_IN_THE_FORM = ("乡(镇)", "人员(减免)")
CHINESE = ("kiosk/**/*.toml", "docs/*.md", "debian/**/*", "install", "README.md")
CHINESE += tuple(
    f"{room}/**/*.{kind}" for room in ("central", "kiosk", "sync") for kind in ("py", "html")
)


def test_chinese_sentences_have_chinese_punctuation() -> None:
    """Citizens, operators and technicians read it. Numbers, times, paths and code keep theirs."""
    wrong = []
    for file in sorted({file for some in CHINESE for file in SOURCES.glob(some) if file.is_file()}):
        for number, line in enumerate(file.read_text("utf-8", "replace").split("\n"), 1):
            for found in re.finditer(r"[一-鿿）」》][,.:;?!()](?=[一-鿿（「《])", line):
                around = line[max(0, found.start() - 5) : found.end() + 5]
                if not any(form in around for form in AS_IN_THE_FORM):
                    wrong.append(f"{file.relative_to(SOURCES)}:{number}: {around}")
    assert wrong == []


def test_an_id_without_words_is_shown_as_itself() -> None:
    assert WORDS["zh_CN"].say("no.such.words", fact=1) == "no.such.words"


def test_a_fact_that_is_missing_does_not_stop_the_terminal() -> None:
    assert "{days}" in WORDS["zh_CN"].say("apply.slip.days", other=1)


def test_an_id_defined_twice_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "xx"
    folder.mkdir()
    (folder / "a.toml").write_text("[a]\nb = 'one'\n")
    (folder / "b.toml").write_text("[a]\nb = 'two'\n")
    with pytest.raises(ValueError, match=r"a\.b is defined twice"):
        Words("xx", tmp_path)
    assert LOCALE.is_dir()
