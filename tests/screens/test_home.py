"""Home with two services and with twenty-two: places, pages, groups, every size and orientation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kivy.core.window import Window

from hardware.faults import Device, FaultCode
from hardware.supervision import DeviceState
from kiosk.offers import Offer
from kiosk.services import find_services
from kiosk.upkeep.left_behind import ROW
from kiosk.visit.service import Service
from kiosk.words import LANGUAGES, Words
from screens import home, scale, theme
from screens.home import HomePage
from screens.stage import Stage
from screens.tiles import GroupTile, ServiceTile
from tests.screens.checks import box, faults
from tests.screens.conftest import SIZE, Hand
from tests.screens.samples import StubTerminal

#: Services that a terminal may have one day: group, id and icon; name and explanation.
CATALOGUE = """
card apply card-plus-outline
    首次申领社会保障卡：第一次办卡，当场拍照
    Apply for a first social security card: The photo is taken here
card replace card-multiple-outline
    补换社会保障卡：丢了、坏了、照片旧了
    Replace a social security card: Lost, broken or out of date
card loss card-off-outline
    挂失：卡丢了先挂失
    Report a loss: Block a lost card at once
card found card-outline
    解除挂失：卡找到了
    Cancel a reported loss: The card was found
card activate card-bulleted-outline
    社保功能启用：新卡第一次使用前
    Activate a new card: Before its first use
card pin form-textbox-password
    修改密码：知道旧密码
    Change the PIN: You know the old one
card reset lock-reset
    重置密码：忘记密码或被锁住
    Reset the PIN: Forgotten or locked
card progress progress-clock
    制卡进度查询：卡做好了没有
    Is my card ready?: How far it is
card check card-search-outline
    检查我的社保卡：看看卡还能不能读
    Check my card: Whether it still reads
enquiry insured file-search-outline
    参保与缴费查询：缴了几年、缴了多少
    Insurance and contributions: How long and how much
enquiry proof certificate-outline
    打印参保证明：盖章的证明
    Certificate of insurance: With the seal
enquiry benefit cash-multiple
    待遇发放查询：养老金到账没有
    Benefits paid: Has my pension come?
enquiry medical medical-bag
    医保账户查询：余额和明细
    Medical account: Balance and entries
enquiry wages account-hard-hat
    农民工工资权益信息：查工资保证金和公示
    Wages of migrant workers: Guarantee deposits and notices
payment residents cash-plus
    城乡居民养老保险缴费：一年一次，可选档次
    Pension of residents, pay: Once a year
payment flexible cash-check
    灵活就业人员缴费：自己缴社保的人
    Flexible workers, pay: For the self-employed
payment alive face-recognition
    养老待遇资格认证：每年一次，证明本人健在
    Pension, yearly confirmation: Show that it is you
payment account bank-outline
    待遇发放账户变更：换银行卡领待遇
    Change the benefits account: Another bank account
help guide book-open-outline
    办事指南与网点：要带什么、到哪里办
    Guidance and places: What to bring, where to go
help wage_clue bullhorn-outline
    欠薪线索反映：被拖欠工资，在这里说
    Report unpaid wages: Tell us here
help reprint printer-outline
    补打回执：凭身份证找回编号
    Print a receipt again: With your ID card
help opinion comment-text-outline
    投诉建议：对我们的服务说两句
    Complaints and suggestions: Tell us what you think
""".strip().split("\n")

HEADS, CHINESE, ENGLISH = CATALOGUE[::3], CATALOGUE[1::3], CATALOGUE[2::3]
#: Longest announcements of the centre.
ANNOUNCED = {"zh_CN": "国庆节期间照常" * 7, "en": "Open as usual on holidays " * 4}
#: Longest reasons that home can give, in each language.
REASONS = {
    "zh_CN": "系统升级，预计今天下午三点恢复，急办请到窗口",
    "en": "Being updated, expected back at three; if urgent go to the counter",
}
WINDOWS = {"portrait": SIZE, "landscape": (1080, 608)}


class MoreWords(Words):
    """With the names of the catalogue."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        mark, lines = ("：", CHINESE) if language == "zh_CN" else (":", ENGLISH)
        for head, line in zip(HEADS, lines, strict=True):
            name, _, detail = line.strip().partition(mark)
            self._words[f"service.{head.split()[1]}.name"] = name
            self._words[f"service.{head.split()[1]}.detail"] = detail.strip()


def services(number: int = len(HEADS), *groups: str) -> tuple[type[Service], ...]:
    made = []
    for group, name, icon in map(str.split, HEADS):
        if not groups or group in groups:
            made.append(type(name, (Service,), {"id": name, "icon": icon, "group": group}))
    return tuple(made[:number])


def terminal_with(offered: tuple[type[Service], ...], language: str = "zh_CN") -> StubTerminal:
    terminal = StubTerminal(offered, language)
    terminal.words = MoreWords(language)
    return terminal


def page_of(hand: Hand, terminal: StubTerminal) -> HomePage:
    page = HomePage(terminal, lambda service: None)  # type: ignore[arg-type]
    hand.show(page)
    return page


def tiles(page: HomePage) -> list[str]:
    """Tags of the tiles from top left to bottom right."""
    found = [w for w in page.walk(restrict=True) if isinstance(w, ServiceTile | GroupTile)]
    return [tile.tag for tile in sorted(found, key=lambda tile: (-round(tile.y), tile.x))]


@pytest.fixture(autouse=True)
def _usual_size() -> Iterator[None]:
    yield
    scale.fit(*SIZE)


# -- how it looks --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("number", [2, 6, 22])
def test_home_fits_whatever_it_holds(
    hand: Hand, number: int, window: str, elder: bool, language: str
) -> None:
    """Pages, groups, closed services with long reasons, notices and broken devices at once."""
    size = WINDOWS[window]
    scale.fit(*size, elder=elder)
    terminal = terminal_with(services(number), language)
    closed = [
        Offer(o.service, at % 3 != 1, REASONS[language]) for at, o in enumerate(terminal.offers)
    ]
    name = f"home-{number}-{window}{'-elder' if elder else ''}"
    hand.root.size_hint, hand.root.size = (None, None), size
    stage = Stage(terminal)  # type: ignore[arg-type]
    try:
        hand.show(stage)
        stage.go_home()
        hand.pump(6)
        places = seen(hand, stage, name)
        terminal.offers = tuple(closed)
        terminal.health.put("camera", DeviceState.FAULT, FaultCode.CAMERA_ABSENT)
        terminal.health.put(ROW, DeviceState.WARNING, FaultCode.ITEM_LEFT)
        terminal.saved = ("13000126112400174",)
        terminal.announced = (ANNOUNCED[language],)
        stage.go_home()
        hand.pump(6)
        assert seen(hand, stage, f"{name}-closed") == places
        terminal.offers = tuple(Offer(o.service, False, REASONS[language]) for o in closed)
        terminal.health.put(ROW, DeviceState.READY)
        terminal.saved = ()
        stage.go_home()
        hand.pump(6)
        assert seen(hand, stage, f"{name}-nothing") == places
    finally:
        stage.close()
        hand.root.size_hint, hand.root.size = (1, 1), Window.size


def seen(hand: Hand, stage: Stage, picture: str) -> dict[str, tuple[int, ...]]:
    """Look at every page of home; the place of each service, by its tag."""
    places: dict[str, tuple[int, ...]] = {}
    page = stage.page
    assert isinstance(page, HomePage)
    groups = [tag.partition(":")[2] for tag in tiles(page) if tag.startswith("group:")] or [""]
    if groups != [""]:
        look(hand, stage, f"{picture}-groups")
    for group in groups:
        page._show(group)
        for number in range(1, 9):
            hand.pump(6)
            look(hand, stage, f"{picture}-{group or 'all'}-{number}")
            for tile in page.walk(restrict=True):
                if isinstance(tile, ServiceTile):
                    places[tile.tag] = (number, *map(round, box(tile)))
            if not hand.has("more") or hand.find("more").disabled:
                break
            page._turn(1)
    assert set(places) == {f"service:{o.service.id}" for o in stage.terminal.services()}
    return places


def look(hand: Hand, stage: Stage, picture: str) -> None:
    hand.keep(stage.terminal.words.language, picture)
    assert faults(stage) == []
    touchable = [w for w in stage.walk(restrict=True) if isinstance(w, ServiceTile | GroupTile)]
    assert len(touchable) <= home.MOST
    # The upper third of a screen is beyond the reach of who sits in a wheelchair.
    middles = [(box(tile)[1] + box(tile)[3]) / 2 for tile in touchable]
    assert max(middles) <= stage.height * 2 / 3 + 1, "out of reach"


# -- where things are ----------------------------------------------------------------------------


def test_few_services_need_no_second_touch(hand: Hand) -> None:
    page = page_of(hand, terminal_with(services(2)))
    assert tiles(page) == ["service:apply", "service:replace"]
    assert Words().say("group.card.name") not in hand.texts(), "one group needs no name"


def test_up_to_eight_stand_on_one_page_under_the_names_of_their_groups(hand: Hand) -> None:
    offered = (*services(2, "card"), *services(2, "payment"), *services(2, "help"))
    page = page_of(hand, terminal_with(offered))
    assert tiles(page) == [f"service:{service.id}" for service in offered]
    texts = hand.texts()
    names = [Words().say(f"group.{group}.name") for group in ("card", "payment", "help")]
    assert [text for text in texts if text in names] == names
    assert Words().say("group.enquiry.name") not in texts


def test_many_services_stand_behind_their_groups(hand: Hand) -> None:
    page = page_of(hand, terminal_with(services()))
    assert tiles(page) == ["group:card", "group:enquiry", "group:payment", "group:help"]
    hand.tap("group:enquiry")
    assert tiles(page) == [f"service:{service.id}" for service in services(22, "enquiry")]
    hand.tap("back")
    assert tiles(page)[0] == "group:card"


def test_what_is_seldom_asked_for_stands_behind_one_tile(hand: Hand) -> None:
    """So what people come for stays one touch away, as long as a page holds it."""
    offered = services(11)
    for service in offered:
        service.seldom = service.id in ("found", "pin", "reset", "proof")
    page = page_of(hand, terminal_with(offered))
    often = [f"service:{service.id}" for service in offered if not service.seldom]
    assert tiles(page) == [*often, "group:more"]
    hand.tap("group:more")
    assert tiles(page) == ["service:found", "service:pin", "service:reset", "service:proof"]
    assert Words().say("group.more.name") in hand.texts()
    hand.tap("back")
    assert tiles(page)[-1] == "group:more"


def test_with_room_for_all_nothing_stands_behind_anything(hand: Hand) -> None:
    offered = services(8)
    offered[0].seldom = True
    page = page_of(hand, terminal_with(offered))
    assert tiles(page) == [f"service:{service.id}" for service in offered]


def test_the_services_there_are_stand_on_one_page(hand: Hand) -> None:
    offered = tuple(service for service in find_services() if not service.for_units)
    page = page_of(hand, StubTerminal(offered))
    assert tiles(page)[-1] == "group:more"
    assert "service:loss_report" in tiles(page) and "service:card_progress" in tiles(page)


def test_in_a_units_session_its_own_tile_is_the_first_of_the_first_page(hand: Hand) -> None:
    """One tile more than a page holds hid it behind its group."""
    page = page_of(hand, StubTerminal(find_services()))
    assert tiles(page)[0] == "service:unit_collection"
    assert tiles(page)[-1] == "group:more"
    hand.tap("group:more")
    assert "service:card_check" in tiles(page)


def test_more_than_a_page_of_a_group_is_turned_to(hand: Hand) -> None:
    page = page_of(hand, terminal_with(services()))
    hand.tap("group:card")
    card = [f"service:{service.id}" for service in services(22, "card")]
    assert tiles(page) == card[:8]
    hand.tap("more")
    assert tiles(page) == card[8:]
    assert hand.find("more").disabled
    hand.tap("less", seconds=0.1)
    assert tiles(page) == card[:8]


def test_a_closed_service_keeps_its_place_and_says_why(hand: Hand) -> None:
    """It went to the end before, and the finger that knew the place opened another service."""
    terminal = terminal_with(services(2))
    chosen: list[str] = []
    page = HomePage(terminal, lambda service: chosen.append(service.id))  # type: ignore[arg-type]
    hand.show(page)
    before = {tag: box(hand.find(tag)) for tag in tiles(page)}
    first, second = terminal.offers
    terminal.offers = (Offer(first.service, False, "正在升级"), second)
    page.refresh()
    hand.pump(4)
    assert {tag: box(hand.find(tag)) for tag in tiles(page)} == before
    hand.tap("service:apply")
    assert chosen == []
    assert "正在升级" in hand.texts()


def test_a_printer_that_no_service_prints_on_is_for_staff_to_know_of(hand: Hand) -> None:
    terminal = terminal_with(services(2))
    page = page_of(hand, terminal)
    for device, fault in (
        ("page_printer", FaultCode.PAGE_PRINTER_OFFLINE),
        ("camera", FaultCode.CAMERA_ABSENT),
    ):
        terminal.health.put(device, DeviceState.FAULT, fault)
    page.refresh()
    hand.pump(4)
    printer, camera = (Words().say(f"device.{name}") for name in ("page_printer", "camera"))
    assert any(camera in text for text in hand.texts())
    assert not any(printer in text for text in hand.texts())
    terminal.offers[0].service.needs = frozenset({Device.PAGE_PRINTER})
    page.refresh()
    hand.pump(4)
    assert any(printer in text for text in hand.texts())


def test_a_group_that_nobody_touches_gives_way_to_the_first_page(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.home.GROUP_STAYS_S", 5.0)
    terminal = terminal_with(services())
    stage = Stage(terminal)  # type: ignore[arg-type]
    hand.show(stage)
    hand.pump(seconds=2 * theme.UNASKED_S)
    hand.tap("group:card")
    hand.pump(seconds=0.1)
    assert isinstance(stage.page, HomePage)
    for _ in range(6):
        hand.pump(seconds=1.0)
        hand.tap("more" if not hand.find("more").disabled else "less")
        assert tiles(stage.page)[0].startswith("service:")
    hand.pump(seconds=5.1)
    assert tiles(stage.page)[0] == "group:card"
    stage.close()


def test_a_service_of_a_page_begins_with_one_touch(hand: Hand) -> None:
    chosen: list[str] = []
    terminal = terminal_with(services())
    page = HomePage(terminal, lambda service: chosen.append(service.id))  # type: ignore[arg-type]
    hand.show(page)
    hand.tap("group:help")
    hand.tap("service:reprint")
    assert chosen == ["reprint"]
