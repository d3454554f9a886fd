import sys
sys.path.insert(0,'/work/main')
from pathlib import Path
import pytest,math
from tests.screens.conftest import *
from tests.screens.samples import *
from tests.screens.test_catalogue import Framed
from tests.screens.checks import faults
from kiosk.services import find_services
from kiosk.operations import Look
OUT=Path('/tmp/plan/shots/b'); 
def put(hand, prompt, lang="zh_CN"):
    st=Framed(StubTerminal(find_services(),lang)); hand.show(st); st.put_on(prompt); hand.pump(10,0.4); return st
def snap(hand,st,name):
    hand.pump(4); hand.shot(OUT/f"{name}.png"); print(name, faults(st))
def test_all(hand):
    from hardware.virtual.portrait import scene
    for lang in ("zh_CN","en"):
        st=put(hand,p.Sign("apply.sign","ab"*32,"张建国"),lang); snap(hand,st,lang+"-sign0")
        pad=hand.find("pad"); X,Y=pad.to_window(*pad.pos)
        for k in range(3):
            hand.stroke([(X+150+k*250+80*math.cos(t/3)*t/14, Y+200+100*math.sin(t/3)) for t in range(24)])
        hand.stroke([(X+60,Y+60),(X+120,Y+320),(X+180,Y+60),(X+800,Y+340),(X+1500,Y+200)])
        hand.stroke([(X+700,Y+60)])
        snap(hand,st,lang+"-sign1"); print(len(pad.lines()))
        if lang=="en": hand.tap("again"); print(pad.lines()); hand.tap("primary",.2); print(st.page.actions.calls); st.page.error.show("还没有看到签名，请用手指在框内签名");snap(hand,st,"sign2")
        st.close()
        st=put(hand,p.TakePhoto("apply.photo"),lang); snap(hand,st,lang+"-photo0")
        im=scene("portrait"); L=lambda f: Look(im.tobytes(),im.width,im.height,f)
        st.page.progress(L("too_far")); hand.pump(3); snap(hand,st,lang+"-photo1")
        hand.pump(2,.8); st.page.progress(L("ok")); hand.pump(3); snap(hand,st,lang+"-photo2")
        hand.tap("primary"); hand.pump(3); snap(hand,st,lang+"-photo3")
        im2=im.resize((641,481)); st.page.progress(Look(im2.tobytes(),641,481,"ok")); hand.pump(3,3.1); print(st.page.actions.calls); st.page.progress(Look(im2.tobytes(),641,481,"uncertain"));snap(hand,st,lang+"-photo4"); 
        import time; t=time.perf_counter()
        for k in range(30): st.page.progress(L("ok"))
        print("ms per frame",(time.perf_counter()-t)/30*1e3)
        st.close()
