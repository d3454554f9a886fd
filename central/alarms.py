"""Alarms: what a person must look into. Raising one again counts it; resolving it closes it.

| kind           | what happened                                                             |
|----------------|---------------------------------------------------------------------------|
| no_registry    | no person register: what needs one is put off                             |
| no_platform    | a code of an electronic card was asked about, and no platform can be     |
| door_open      | the cabinet of a terminal was opened: was it a technician?                |
| unknown_key    | an envelope names a key that this centre does not have: restore the keys  |
| list_unreadable | a row of a unit's list is sealed to a key that is gone: restore the keys, or |
|                | remove the list and take it in again                                      |
| unknown_kind   | a terminal is newer than this centre                                      |
| newer_schema   | likewise, by the format                                                   |
| other_terminal | a terminal sent another one's envelopes: stolen, or enrolled anew         |
| unusable       | an envelope does not open or contradicts itself: a dead letter there      |
| id_reused      | one id, two contents                                                      |
| clone          | two cases with one receipt number or sequence: a state folder was copied  |
| sequence_gap   | a terminal has nothing left to send, and numbers are missing              |
| put_off        | something waits at a terminal because the centre put it off, for too long |
| shared_phone   | one telephone number in the cases of many people; named is the first of them |
| many_filed     | more was filed at a terminal in an hour than a counter can                |
| asked_by_other | a citizen says that somebody else wants this done: fraud, or worse       |
| many_questions | a terminal asks more than a counter can                                   |
| held_gone      | a terminal let go what it sent before the centre said it was backed up    |
| copied         | a terminal's state folder is a copy: it takes nothing until somebody looks|
| set_back       | a terminal's state folder was put back to an older state: it now leaves out |
|                | the numbers that the centre has; what it had not sent may be gone         |
| behind_terminals | a terminal knows a case that this centre lacks: it was put back from a  |
|                | backup without `restored`                                                 |
| not_lapsed     | a case should have ended by itself, and its business says it cannot        |
| key_number     | a terminal knows a higher key number than this centre: the keys are old   |
| task_failed    | work after a commit fails again and again                                 |
| card_batch     | a batch of cards cannot be handed over, or its maker's word not followed  |
| card_photo     | the photo of a card that was ordered cannot be read: it goes with a later |
|                | batch, once the file is back                                              |
| card_forgotten | the maker has a batch that this centre did not know: it was put back from a |
|                | backup; now it knows it                                                   |
| card_word      | the maker says of an order what does not fit to its case: a card may be   |
|                | there that nobody waits for                                               |
| release_halted | a release was halted and is taken back: `central.releases`                |
| release_keys   | what offline keys signed runs out soon                                    |
| server_error   | a fault of the centre itself                                              |
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from central.models import Alarm

if TYPE_CHECKING:
    from central.models import Terminal

log = logging.getLogger(__name__)

#: Kind -> the words for the operator.
WORDS = {
    "no_registry": "参保人员库不可用，相关办件暂缓",
    "door_open": "终端机柜门被打开，请核实是否有维护",
    "no_platform": "没有接通电子社保卡平台，无法核对",
    "unknown_key": "信封使用了中心没有的密钥，请恢复密钥",
    "list_unreadable": "单位名册打不开，请恢复密钥，或删除这份名册后重新导入",
    "unknown_kind": "终端版本比中心新（业务）",
    "newer_schema": "终端版本比中心新（格式）",
    "other_terminal": "终端发送了其他终端的信封",
    "unusable": "信封无法使用，已成为终端死信",
    "id_reused": "同一编号有两份内容",
    "clone": "两份办件的回执号或序号相同，终端可能被复制",
    "sequence_gap": "终端序号有缺失",
    "put_off": "有办件被中心暂缓过久",
    "shared_phone": "同一手机号码被多人使用，请从这份办件查起（可能有人代他人冒办）",
    "many_filed": "终端一小时内办件过多",
    "asked_by_other": "有人说是别人让来办的：先打电话问本人，防诈骗、胁迫",
    "many_questions": "终端查询过于频繁",
    "held_gone": "终端在中心确认备份前已删除所存办件",
    "copied": "终端数据目录是复制品，已停止受理",
    "set_back": "终端数据目录被退回到旧状态，已跳过中心有的序号；未上传的办件可能丢失",
    "behind_terminals": "终端所知办件比中心新，中心可能由备份恢复而未执行 restored",
    "not_lapsed": "有办件到期未能自动结束",
    "key_number": "终端的密钥比中心的新，中心密钥可能来自旧备份",
    "task_failed": "受理后的处理反复失败",
    "card_batch": "制卡批次交不出去，或制卡公司的回盘对不上",
    "card_photo": "制卡单的照片读不出来，这一张没有交：恢复文件后自动补交",
    "card_forgotten": "制卡公司有中心不知道的批次（中心由备份恢复？）：已补记，请核对",
    "card_word": "制卡公司回盘与办件状态对不上，可能多做了卡：按回执号看经过，再问制卡公司",
    "release_halted": "新版本已自动停止并退回",
    "release_keys": "版本签名即将到期，请持钥人重新签名",
    "server_error": "中心程序错误",
}


def sound(
    kind: str, terminal: Terminal | None = None, about: str = "", *, once: bool = False
) -> None:
    """Raise an alarm, or count it again. `once`: what was resolved with the same `about` stays so.

    Call outside of a transaction that may be rolled back.
    """
    about, now = about[:60], timezone.now()
    key = f"{kind}:{terminal.number if terminal else ''}:{about}"
    same = Alarm.objects.filter(key=key)
    if once and same.exclude(resolved_at=None).exists():
        return
    if same.filter(resolved_at=None).update(last=now, times=models.F("times") + 1):
        return
    # Two at once: the second finds the row of the first and changes nothing.
    alarm = Alarm(key=key, kind=kind, terminal=terminal, about=about, last=now)
    Alarm.objects.bulk_create([alarm], ignore_conflicts=True)
    log.warning("alarm %s, terminal %s: %s", kind, terminal.number if terminal else "-", about)


def resolve(kind: str, terminal: Terminal | None = None, *, by: str = "centre") -> None:
    """What was wrong is right again."""
    still = Alarm.objects.filter(kind=kind, terminal=terminal, resolved_at=None)
    still.update(resolved_at=timezone.now(), resolved_by=by)
