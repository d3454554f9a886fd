"""National code tables used on cards and forms."""

from __future__ import annotations

#: GB/T 2261.1, 人的性别代码.
SEX = {"0": "未知", "1": "男", "2": "女", "9": "未说明"}

_ETHNIC_GROUPS = (
    "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 "
    "佤 畲 高山 拉祜 水 东乡 纳西 景颇 柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 "
    "锡伯 阿昌 普米 塔吉克 怒 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 塔塔尔 独龙 鄂伦春 "
    "赫哲 门巴 珞巴 基诺"
)

#: GB/T 3304, 中国各民族名称代码; 97 and 98 as used on resident ID cards.
ETHNIC = dict(enumerate(_ETHNIC_GROUPS.split(), start=1)) | {97: "其他", 98: "外国血统中国籍人士"}


def ethnic_name(code: str) -> str:
    """Name of a two-digit ethnic code, with 族 where it belongs; "未识别" if there is none. "": it
    is read from a page of the household register."""
    if not code:
        return "见户口簿"
    name = ETHNIC.get(int(code)) if code.isascii() and code.isdigit() else None
    if name is None:
        return "未识别"
    return name if int(code) > 56 else f"{name}族"
