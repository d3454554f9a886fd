"""Words of addresses in Tangshan that the pinyin keyboard offers before all others.

The districts and counties are those of GB/T 2260 (`kiosk.records.codes.TANGSHAN`); towns, 街道 and
roads are commonly known names, most of which no general dictionary holds. A name that is missing
here can still be typed: the engine composes it of shorter words. To add one, append its line.
"""

from __future__ import annotations

from typing import Final

#: Offered while nothing is typed: what an address is made of. One touch each.
QUICK_WORDS: Final = ("小区", "路", "街", "镇", "乡", "村", "排", "号", "里", "楼")

_PARTS = """
小区 xiao qu
家园 jia yuan
花园 hua yuan
公寓 gong yu
号楼 hao lou
单元 dan yuan
街道 jie dao
居委会 ju wei hui
村委会 cun wei hui
号院 hao yuan
东里 dong li
西里 xi li
南里 nan li
北里 bei li
路 lu
道 dao
街 jie
巷 xiang
楼 lou
栋 dong
门 men
号 hao
室 shi
户 hu
座 zuo
层 ceng
排 pai
组 zu
队 dui
区 qu
县 xian
镇 zhen
乡 xiang
村 cun
庄 zhuang
里 li
"""

#: Numbers and sides, which name villages and estates (二村, 东新里).
_NUMBERS = """
一 yi
二 er
三 san
四 si
五 wu
六 liu
七 qi
八 ba
九 jiu
十 shi
东 dong
西 xi
南 nan
北 bei
中 zhong
前 qian
后 hou
大 da
小 xiao
新 xin
"""

_DISTRICTS = """
唐山 tang shan
唐山市 tang shan shi
河北省 he bei sheng
路南区 lu nan qu
路北区 lu bei qu
古冶区 gu ye qu
开平区 kai ping qu
丰南区 feng nan qu
丰润区 feng run qu
曹妃甸 cao fei dian
曹妃甸区 cao fei dian qu
滦南县 luan nan xian
乐亭县 lao ting xian
乐亭县 le ting xian
迁西县 qian xi xian
玉田县 yu tian xian
遵化市 zun hua shi
迁安市 qian an shi
滦州市 luan zhou shi
冀东油田 ji dong you tian
"""

_TOWNS = """
果园乡 guo yuan xiang
韩城镇 han cheng zhen
女织寨乡 nv zhi zhai xiang
稻地镇 dao di zhen
范各庄 fan ge zhuang
卑家店 bei jia dian
王辇庄 wang nian zhuang
栗园镇 li yuan zhen
郑庄子 zheng zhuang zi
双桥镇 shuang qiao zhen
洼里镇 wa li zhen
越河镇 yue he zhen
胥各庄 xu ge zhuang
小集镇 xiao ji zhen
黄各庄 huang ge zhuang
钱营镇 qian ying zhen
唐坊镇 tang fang zhen
王兰庄 wang lan zhuang
黑沿子 hei yan zi
左家坞 zuo jia wu
泉河头 quan he tou
王官营 wang guan ying
火石营 huo shi ying
新军屯 xin jun tun
丰登坞 feng deng wu
白官屯 bai guan tun
石各庄 shi ge zhuang
沙流河 sha liu he
银城铺 yin cheng pu
唐海镇 tang hai zhen
柳赞镇 liu zan zhen
鸦鸿桥 ya hong qiao
三屯营 san tun ying
马兰峪 ma lan yu
建昌营 jian chang ying
倴城镇 ben cheng zhen
"""

_STREETS = """
乔屯街道 qiao tun jie dao
文化路街道 wen hua lu jie dao
钓鱼台街道 diao yu tai jie dao
东新村街道 dong xin cun jie dao
缸窑街道 gang yao jie dao
机场路街道 ji chang lu jie dao
河北路街道 he bei lu jie dao
龙东街道 long dong jie dao
大里街道 da li jie dao
光明街道 guang ming jie dao
翔云道街道 xiang yun dao jie dao
学院南路街道 xue yuan nan lu jie dao
友谊街道 you yi jie dao
广场街道 guang chang jie dao
永红桥街道 yong hong qiao jie dao
小山街道 xiao shan jie dao
惠民道街道 hui min dao jie dao
林西街道 lin xi jie dao
唐家庄街道 tang jia zhuang jie dao
赵各庄街道 zhao ge zhuang jie dao
马家沟街道 ma jia gou jie dao
税务庄街道 shui wu zhuang jie dao
新华道 xin hua dao
新华东道 xin hua dong dao
新华西道 xin hua xi dao
北新道 bei xin dao
北新东道 bei xin dong dao
北新西道 bei xin xi dao
南新道 nan xin dao
长宁道 chang ning dao
翔云道 xiang yun dao
兴源道 xing yuan dao
朝阳道 chao yang dao
西山道 xi shan dao
国防道 guo fang dao
裕华道 yu hua dao
建设路 jian she lu
建设北路 jian she bei lu
建设南路 jian she nan lu
文化路 wen hua lu
龙泽路 long ze lu
学院路 xue yuan lu
友谊路 you yi lu
卫国路 wei guo lu
华岩路 hua yan lu
站前路 zhan qian lu
车站路 che zhan lu
光明路 guang ming lu
大里路 da li lu
河北路 he bei lu
张北小区 zhang bei xiao qu
"""


def _table(text: str) -> tuple[tuple[str, str], ...]:
    lines = (line.partition(" ") for line in text.strip().splitlines())
    return tuple((word, spelt) for word, _, spelt in lines)


#: (word, its syllables with spaces between). Among words of one spelling the earlier comes first.
PLACE_WORDS: Final = tuple(
    line for table in (_PARTS, _NUMBERS, _DISTRICTS, _TOWNS, _STREETS) for line in _table(table)
)
