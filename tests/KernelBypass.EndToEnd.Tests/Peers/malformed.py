"""Sends malformed frames from eth0; prints "REASON COUNT" for what the switch must count."""
import socket
import struct

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
ETH = bytes.fromhex("020000990002" "020000990001")


def ip(version_ihl=0x45, total=None, proto=17, body=b"", ttl=64, flags=0):
    total = 20 + len(body) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", version_ihl, 0, total, 1, flags, ttl, proto, 0, bytes([10, 99, 0, 1]), bytes([10, 99, 0, 2]))
    words = struct.unpack("!10H", head)
    total_sum = sum(words)
    while total_sum >> 16:
        total_sum = (total_sum & 0xFFFF) + (total_sum >> 16)
    return head[:10] + struct.pack("!H", ~total_sum & 0xFFFF) + head[12:] + body


def send(reason, frames):
    for frame in frames:
        s.send(frame)
    print(reason, len(frames))


v4, v6 = ETH + b"\x08\x00", ETH + b"\x86\xdd"
send("ipv4_bad_version", [v4 + ip(version_ihl=0x55, body=b"\0" * 26)] * 3)
send("ipv4_bad_header_length", [v4 + ip(version_ihl=0x44, body=b"\0" * 26)] * 4)
send("ipv4_bad_total_length", [v4 + ip(total=10, body=b"\0" * 26), v4 + ip(total=1400, body=b"\0" * 26)])
send("tcp_bad_data_offset", [v4 + ip(proto=6, body=struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x20, 2, 5, 6, 7) + b"\0" * 6)] * 5)
send("udp_bad_length", [v4 + ip(proto=17, body=struct.pack("!HHHH", 1, 2, 4, 0) + b"\0" * 18)] * 6)
