"""Hosts that only lead to somewhere else: what stands behind them, no address tells."""

from redactor.policy.urls import Domains

# Services open to everybody. A company's own short host says whose it is, and is not here.
_HOSTS = """
t.cn url.cn dwz.cn suo.im suo.nz mrw.so 985.so t.hk sourl.cn u.nu is.gd v.gd 0rz.tw ppt.cc
reurl.cc lihi.cc pse.is bit.ly bitly.com j.mp tinyurl.com tiny.cc t.co goo.gl ow.ly
buff.ly adf.ly shorte.st ouo.io bc.vc cutt.ly rebrand.ly short.io short.gy rb.gy shorturl.at
s.id t.ly lnkd.in tr.im x.co qr.ae qrco.de me-qr.com q-r.to l.ead.me scnv.io qr1.be
clck.ru vk.cc goo.su u.to tny.im soo.gd bl.ink snip.ly urlz.fr chilp.it da.gd shorl.com
2u.lc kutt.it n9.cl acortar.link encurtador.com.br surl.li shrtco.de tinyurl.is gg.gg
dub.sh dub.co hyperurl.co smarturl.it trib.al dlvr.it ift.tt
"""
SHORTENERS = Domains(_HOSTS.split())
