# Everybody but the checks of hostile-network.test.ts: hears what comes in on the interface `wire`, and answers by the last octet of the
# address that was asked for (see hostile-network-rows.ts). Says "ready" when it listens.
import socket
import struct
import time

heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
heard.bind(("wire", 0x0800))
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp(kind, code, rest, payload):
    packet = struct.pack("!BBH", kind, code, 0) + rest + payload
    return packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]


def send(source, target, packet):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(packet), 0, 0, 64, 1, 0, source, target)
    out.sendto(header + packet, (socket.inet_ntoa(target), 0))


def answer_ping(n, client, server, data):
    identifier, sequence = struct.unpack("!HH", data[4:8])
    payload = data[8:]

    def reply(i=identifier, s=sequence, p=payload, kind=0, source=server):
        send(source, client, icmp(kind, 0, struct.pack("!HH", i, s & 0xFFFF), p))

    if n in (2, 12):
        for _ in range(50 if n == 12 else 1):
            reply()
    elif n == 3:
        reply(s=sequence + 1)
    elif n == 4:
        reply(i=identifier ^ 1)
    elif n == 5:
        send(server, client, icmp(0, 0, struct.pack("!HB", identifier, sequence >> 8), b""))
    elif n == 6:
        reply(p=b"")
    elif n == 7:
        reply(p=bytes(255 - octet for octet in payload))
    elif n == 8:
        reply(p=payload * 10)
    elif n == 9:
        reply(kind=8)
    elif n == 10:
        reply(kind=14)
    elif n == 11:
        time.sleep(3)  # the check is over after half a second; it may look later, on a busy machine, and finds what came until then
        reply()
    elif n in (13, 14):
        for i in range(2000):
            reply(s=sequence + 1 + i % 1000)
            if n == 14 and i == 500:
                reply()
    elif n == 15:
        reply(source=socket.inet_aton("10.77.1.99"))
    elif n == 16:
        for octet in data[:20]:
            send(server, client, bytes([octet]))
            time.sleep(0.02)


# Type and code of RFC 792 and RFC 1812.
ERRORS = [(3, 0), (3, 1), (3, 2), (3, 3), (3, 5), (3, 6), (3, 7), (3, 9), (3, 13), (11, 0), (12, 0), (4, 0), (3, 1), (3, 1), (3, 99)]


def complain(n, client, packet):
    kind, code = ERRORS[n - 1]
    quoted = packet[:28]
    if n == 13:
        quoted = packet[:20] + bytes(255 - octet for octet in packet[20:28])
    elif n == 14:
        quoted = b""
    send(socket.inet_aton("10.77.0.2"), client, icmp(kind, code, b"\0" * 4, quoted))


print("ready", flush=True)
while True:
    packet, whence = heard.recvfrom(65535)
    if whence[2] != 0:  # PACKET_HOST
        continue
    length = (packet[0] & 15) * 4
    client, server = packet[12:16], packet[16:20]
    if server[:3] == b"\x0a\x4d\x01" and packet[9] == 1 and packet[length] == 8:
        answer_ping(server[3], client, server, packet[length : struct.unpack("!H", packet[2:4])[0]])
    elif server[:3] == b"\x0a\x4d\x02" and server[3] <= len(ERRORS):
        complain(server[3], client, packet)
