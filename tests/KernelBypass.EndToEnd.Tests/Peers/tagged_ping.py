"""Pings in VLAN 10 with scapy and says how the answer is tagged.

usage: tagged_ping.py SOURCE_MAC DESTINATION_MAC SOURCE DESTINATION
"""
import sys

from scapy.all import ICMP, IP, Dot1Q, Ether, conf, srp1

conf.verb = 0
source_mac, destination_mac, source, destination = sys.argv[1:]
request = Ether(src=source_mac, dst=destination_mac) / Dot1Q(vlan=10) / IP(src=source, dst=destination) / ICMP(id=7, seq=1) / (b"x" * 40)
answer = srp1(request, iface="eth0", timeout=5, retry=2)
if answer is None:
    sys.exit("no answer")
tag = answer[Dot1Q]
print("vlan", tag.vlan, "priority", tag.prio, "echo-reply" if answer[ICMP].type == 0 else answer.summary())
