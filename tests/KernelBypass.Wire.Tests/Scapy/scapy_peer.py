"""Scapy's side of ScapyTests: what one end builds, the other must read in the same way.

check FILE   reads a pcap; for each frame prints a line of JSON: the fields that scapy sees, and whether scapy, made to
             compute every length and checksum anew, builds the same bytes.
make FILE    writes a pcap of frames that scapy built and prints the fields of each.
"""
import json
import random
import sys

from scapy.all import (ARP, ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest,
                       ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU,
                       ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPOption_RR,
                       IPOption_Router_Alert, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, PadN, Raw, RouterAlert, bind_bottom_up, rdpcap, wrpcap)
from scapy.layers.ipsec import AH

# The tag type from before 802.1ad and what follows an authentication header: scapy does not know either.
bind_bottom_up(Ether, Dot1AD, type=0x9100)
bind_bottom_up(AH, UDP, nh=17)
EXTENSIONS = {IPv6ExtHdrHopByHop: 0, IPv6ExtHdrRouting: 43, IPv6ExtHdrFragment: 44, AH: 51, IPv6ExtHdrDestOpt: 60}


def tcp_options(options):
    texts = []
    for name, value in options:
        if name == "MSS":
            texts.append(f"mss {value}")
        elif name == "WScale":
            texts.append(f"wscale {value}")
        elif name == "SAckOK":
            texts.append("sackOK")
        elif name == "Timestamp":
            texts.append(f"ts {value[0]} {value[1]}")
        elif name == "SAck":
            texts.append("sack " + " ".join(map(str, value)))
    return ", ".join(texts)


def link_fields(packet, fields):
    tags, layer, tpid = [], packet[Ether], packet[Ether].type
    while isinstance(layer.payload, Dot1Q):
        layer = layer.payload
        dei = layer.fields.get("dei", layer.fields.get("id", 0))
        tags.append(f"{tpid:x}:{layer.vlan}:{layer.prio}:{int(dei)}")
        tpid = layer.type
    fields["ethernet"] = f"{packet.src} {packet.dst} {tpid:x}"
    fields["vlans"] = " ".join(tags)
    return layer.payload


def upper_fields(layer, fields):
    if isinstance(layer, TCP):
        fields["tcp"] = (f"{layer.sport} {layer.dport} {layer.seq} {layer.ack} {int(layer.flags) & 255} {layer.window} "
                         f"{layer.dataofs} {layer.urgptr}")
        fields["tcp.options"] = tcp_options(layer.options)
    elif isinstance(layer, UDP):
        fields["udp"] = f"{layer.sport} {layer.dport} {layer.len} {layer.chksum}"
    elif isinstance(layer, ICMP):
        echo = f" {layer.id} {layer.seq}" if layer.type in (0, 8) else ""
        fields["icmp"] = f"{layer.type} {layer.code} {layer.chksum}{echo}"
    elif type(layer).__name__.startswith("ICMPv6"):
        echo = f" {layer.id} {layer.seq}" if layer.type in (128, 129) else ""
        target = f" {layer.tgt}" if layer.type in (135, 136) else ""
        fields["icmp6"] = f"{layer.type} {layer.code} {layer.cksum}{echo}{target}"
        options, rest = [], layer.payload
        while rest and type(rest).__name__.startswith("ICMPv6NDOpt"):
            if isinstance(rest, (ICMPv6NDOptSrcLLAddr, ICMPv6NDOptDstLLAddr)):
                options.append(f"{rest.type} {rest.lladdr}")
            elif isinstance(rest, ICMPv6NDOptMTU):
                options.append(f"5 {rest.mtu}")
            elif isinstance(rest, ICMPv6NDOptPrefixInfo):
                options.append(f"3 {rest.prefix}/{rest.prefixlen} {rest.L} {rest.A} {rest.validlifetime}")
            rest = rest.payload
        fields["nd"] = ", ".join(options)


def fields_of(packet):
    fields = {}
    layer = link_fields(packet, fields)
    if isinstance(layer, ARP):
        fields["arp"] = f"{layer.op} {layer.hwsrc} {layer.psrc} {layer.hwdst} {layer.pdst}"
    elif isinstance(layer, IP):
        fields["ipv4"] = (f"{layer.src} {layer.dst} {layer.ttl} {layer.tos} {layer.id} {int(layer.flags)} {layer.frag} "
                          f"{layer.proto} {layer.ihl} {layer.len} {layer.chksum}")
        if layer.frag == 0:
            upper_fields(layer.payload, fields)
    elif isinstance(layer, IPv6):
        fields["ipv6"] = f"{layer.src} {layer.dst} {layer.hlim} {layer.tc} {layer.fl} {layer.plen} {layer.nh}"
        extensions, fragment, rest = [], False, layer.payload
        while type(rest) in EXTENSIONS:
            extensions.append(str(EXTENSIONS[type(rest)]))
            if isinstance(rest, IPv6ExtHdrFragment):
                extensions[-1] += f":{rest.offset}:{int(rest.m)}:{rest.id}"
                fragment = rest.offset != 0
            rest = rest.payload
        fields["extensions"] = " ".join(extensions)
        if not fragment:
            upper_fields(rest, fields)
    return fields


def rebuilt(packet):
    """The bytes that scapy makes when it has to compute lengths and checksums itself."""
    copy = packet.copy()
    layer = copy
    while layer:
        for name in ("chksum", "cksum", "len", "plen", "ihl", "dataofs"):
            # Absent, or after a header behind which scapy finds no IP and computes nothing.
            absent = isinstance(layer, UDP) and name == "chksum" and (layer.chksum == 0 or isinstance(layer.underlayer, AH))
            quoted = type(layer).__name__.endswith("error")
            if name in layer.fields and not absent and not quoted and not isinstance(layer, (AH, ICMPv6NDOptSrcLLAddr)):
                if not (name == "len" and (type(layer).__name__.startswith("ICMPv6") or type(layer) in EXTENSIONS)):
                    del layer.fields[name]
        layer.raw_packet_cache = None
        layer = layer.payload
    return bytes(copy)


def check(path):
    for packet in rdpcap(path):
        raw = bytes(packet.original)
        packet = Ether(raw)
        same = rebuilt(packet) == raw
        print(json.dumps({"fields": fields_of(packet), "rebuilt": same, "summary": packet.summary()}))


def starts(rng):
    yield Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    yield Ether(src="02:00:00:00:00:01", dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=rng.randrange(4096), prio=rng.randrange(8))
    yield Ether(src="02:00:00:00:00:01", dst="01:00:5e:00:00:01") / Dot1AD(vlan=7) / Dot1Q(vlan=rng.randrange(4096))


def uppers4(rng):
    data = Raw(bytes(rng.randrange(256) for _ in range(rng.randrange(1400))))
    yield UDP(sport=rng.randrange(65536), dport=7) / data
    yield UDP(sport=rng.randrange(65536), dport=7, chksum=0) / data
    yield TCP(sport=5, dport=rng.randrange(65536), seq=rng.randrange(2**32), ack=rng.randrange(2**32), flags=rng.randrange(256),
              window=rng.randrange(65536), urgptr=rng.randrange(65536)) / data
    yield TCP(sport=5, dport=6, flags="S", options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (123, 0)), ("NOP", None),
                                                   ("WScale", 7)])
    yield TCP(sport=5, dport=6, flags="A", options=[("NOP", None), ("NOP", None), ("SAck", (1, 2, 3, 4, 5, 6))]) / data


def make(path):
    rng = random.Random(20)
    packets = []
    for _ in range(4):
        for start in starts(rng):
            ip4 = IP(src="192.0.2.1", dst="198.51.100.77", ttl=rng.randrange(256), tos=rng.randrange(256), id=rng.randrange(65536))
            ip6 = IPv6(src="2001:db8::1:0:0:5", dst="2001:db8:1::", hlim=rng.randrange(256), tc=rng.randrange(256),
                       fl=rng.randrange(2**20))
            data = Raw(bytes(rng.randrange(300)))
            packets += [start / ip4 / upper for upper in uppers4(rng)]
            packets += [start / ip6 / upper for upper in uppers4(rng) if upper.fields.get("chksum") != 0]
            options = [IPOption_Router_Alert(), IPOption_RR(length=7, routers=["0.0.0.0"])]
            packets.append(start / IP(src="10.0.0.1", dst="10.0.0.2", options=options) / UDP(sport=1, dport=2) / data)
            packets.append(start / IP(src="10.0.0.1", dst="10.0.0.2", frag=100, flags="MF", proto=17) / data)
            packets.append(start / ip4 / ICMP(type=8, id=rng.randrange(65536), seq=9) / data)
            packets.append(start / ip4 / ICMP(type=11) / IP(src="10.9.9.9", dst="10.8.8.8") / UDP(sport=1, dport=2))
            packets.append(start / ARP(op=rng.choice([1, 2]), hwsrc="02:00:00:00:00:07", psrc="10.0.0.7", pdst="10.0.0.8"))
            packets.append(start / ip6 / ICMPv6EchoRequest(id=3, seq=4, data=b"ping"))
            packets.append(start / ip6 / ICMPv6EchoReply(id=3, seq=4, data=b"ping"))
            packets.append(start / ip6 / ICMPv6PacketTooBig(mtu=1280) / IPv6(src="::1", dst="::2") / UDP(sport=1, dport=2))
            packets.append(start / ip6 / ICMPv6TimeExceeded() / IPv6(src="::1", dst="::2") / TCP())
            packets.append(start / ip6 / ICMPv6DestUnreach(code=4) / IPv6(src="::1", dst="::2") / TCP())
            packets.append(start / IPv6(src="fe80::1", dst="ff02::2", hlim=255) / ICMPv6ND_RS() /
                           ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:09"))
            packets.append(start / IPv6(src="fe80::1", dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=600) /
                           ICMPv6NDOptMTU(mtu=1400) / ICMPv6NDOptPrefixInfo(prefix="2001:db8::", prefixlen=64))
            packets.append(start / IPv6(src="fe80::1", dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt="fe80::5") /
                           ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:09"))
            packets.append(start / IPv6(src="fe80::1", dst="fe80::5", hlim=255) / ICMPv6ND_NA(tgt="fe80::5", R=0) /
                           ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:09"))
            packets.append(start / ip6 / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / UDP(sport=1, dport=2) / data)
            packets.append(start / ip6 / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 9)]) / TCP(sport=1, dport=2))
            packets.append(start / ip6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(type=2, segleft=0, addresses=["2001:db8::9"]) /
                           IPv6ExtHdrDestOpt() / UDP(sport=1, dport=2) / data)
            packets.append(start / ip6 / IPv6ExtHdrFragment(offset=50, m=1, id=77, nh=17) / data)
            packets.append(start / ip6 / IPv6ExtHdrFragment(offset=0, m=0, id=78) / UDP(sport=1, dport=2) / data)
    built = [Ether(bytes(p)) for p in packets]
    wrpcap(path, built)
    for packet in built:
        print(json.dumps({"fields": fields_of(packet), "rebuilt": True, "summary": packet.summary()}))


if __name__ == "__main__":
    {"check": check, "make": make}[sys.argv[1]](sys.argv[2])
