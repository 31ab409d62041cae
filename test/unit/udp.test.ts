import assert from "node:assert/strict";
import { test } from "node:test";
import { packetFilter } from "../../main/bfd/packet-filter.js";
import { bytesOfIp } from "../../main/ip-bytes.js";
import { openUdpReader, openUdpSender, udpView } from "../../native-bindings/udp.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** Below those that the kernel gives to others for a while (ip_local_port_range). */
const PORT = 20_000 + (process.pid % 9000);
const skip = needs("native");

for (const [family, address] of [
  ["IPv4", "127.0.0.1"],
  ["IPv6", "::1"],
] as const) {
  test(`${family}: a datagram comes with TTL, source and destination, and the filter keeps out what is for nobody`, {
    skip,
  }, async () => {
    const view = Buffer.alloc(96);
    const heard: string[] = [];
    const ipv6 = family === "IPv6";
    using reader = openUdpReader(
      { ipv6, port: PORT, receiveBufferBytes: 65_536, view },
      {
        onDatagram: (length, ttl) => {
          const ends = [udpView.source, udpView.destination].map((at) => view[at + 15]);
          heard.push(`${length} octets, TTL ${ttl}, ends ${ends.join(" and ")}, begins ${view[udpView.datagram + 11]}`);
        },
        onError: (errno) => heard.push(`error ${errno}`),
      },
    );
    const open = (ttl: number) =>
      openUdpSender({ local: new Uint8Array(), localPort: 0, remote: bytesOfIp(address), remotePort: PORT, ttl });
    using near = open(255);
    using far = open(254);
    const filter = { ipv6, leastTtl: 255, discriminators: [7, 9], neighbors: [bytesOfIp(address)] };
    assert.equal(reader.filter(packetFilter(filter)), 0);
    const packet = (your: number): Buffer => {
      const bytes = Buffer.alloc(24);
      bytes[0] = 0x20;
      bytes[11] = your;
      return bytes;
    };
    assert.equal(far.send(packet(7)), 0);
    assert.equal(near.send(packet(8)), 0);
    assert.equal(near.send(packet(7).subarray(0, 23)), 0);
    assert.equal(near.send(packet(9)), 0);
    assert.equal(near.send(packet(0)), 0);
    await until("both that are for somebody", 5000, () => heard.length >= 2);
    assert.deepEqual(heard, [
      "24 octets, TTL 255, ends 1 and 1, begins 9",
      "24 octets, TTL 255, ends 1 and 1, begins 0",
    ]);
    reader.close();
    reader.close();
    assert.notEqual(reader.filter(new Uint8Array(8)), 0);
    near.close();
    assert.notEqual(near.send(packet(7)), 0);
  });
}

test("a filter of more neighbours than a jump reaches is split, and a wrong one is refused", { skip }, () => {
  const many = Array.from({ length: 700 }, (_, i) => i + 1);
  const neighbors = many.map((n) => bytesOfIp(`10.0.${n >> 8}.${n & 255}`));
  const program = packetFilter({ ipv6: false, leastTtl: 255, discriminators: many, neighbors });
  const handlers = { onDatagram: () => undefined, onError: () => undefined };
  using reader = openUdpReader({ ipv6: false, port: PORT, receiveBufferBytes: 0, view: Buffer.alloc(64) }, handlers);
  assert.equal(reader.filter(program), 0);
  assert.notEqual(reader.filter(new Uint8Array(7)), 0);
});

test("wrong arguments and taken ports are errors, never crashes", { skip }, () => {
  const handlers = { onDatagram: () => undefined, onError: () => undefined };
  const options = { ipv6: false, port: PORT + 1, receiveBufferBytes: 0, view: Buffer.alloc(64) };
  for (const wrong of [
    { port: -1 },
    { port: 65_536 },
    { port: Number.NaN },
    { view: new Uint8Array(31) },
    { receiveBufferBytes: -1 },
  ])
    assert.throws(() => openUdpReader({ ...options, ...wrong }, handlers), TypeError);
  using _taken = openUdpReader(options, handlers);
  assert.throws(() => openUdpReader(options, handlers), { code: "EADDRINUSE" });
  const ends = { local: new Uint8Array(), localPort: 0, remote: bytesOfIp("127.0.0.1"), remotePort: PORT, ttl: 255 };
  for (const wrong of [
    { ttl: 0 },
    { ttl: 256 },
    { remote: new Uint8Array(5) },
    { local: new Uint8Array(16) },
    { localPort: 70_000 },
  ])
    assert.throws(() => openUdpSender({ ...ends, ...wrong }), TypeError);
});

test("a filter for more sessions than fit into one lets everything through", () => {
  const neighbors = Array.from({ length: 2500 }, (_, i) => Uint8Array.of(10, 0, i >> 8, i & 0xff));
  const discriminators = neighbors.map((_, i) => i + 1);
  const program = packetFilter({ ipv6: false, leastTtl: 255, discriminators, neighbors });
  assert.equal(program.length, 8);
  assert.equal(new Uint16Array(program.buffer, program.byteOffset)[0], 6, "BPF_RET");
});
