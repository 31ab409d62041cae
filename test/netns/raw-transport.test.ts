import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import type { IpAddress } from "../../main/address.js";
import type { Log } from "../../main/observe/log.js";
import { ms, priority, vrid } from "../../main/units.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";
import type { AdvertEndpoint } from "../../main/vrrp/ports.js";
import { RawTransport } from "../../main/vrrp/raw-transport.js";
import { needs } from "../harness/needs.js";
import { until } from "../harness/until.js";

/** raw-socket against the machine's own kernel, over loopback. */

const options = { skip: needs("root", "native"), timeout: 20_000 };
const silent: Log = Object.assign(() => undefined, { detail: false });

/** Of this process, whoever else tests on this machine. */
const own = `${(process.pid >> 8) & 255}.${process.pid & 255}`;
const a: IpAddress = `127.${112 + (process.pid >> 16)}.${own}`;
const b: IpAddress = `127.${111 - (process.pid >> 16)}.${own}`;
const at = (address: IpAddress): AdvertEndpoint => ({ kind: "unicast", link: undefined, address });

const advert = (source: IpAddress, destination: IpAddress) => {
  const common = {
    version: 3,
    vrid: vrid(7),
    interval: ms(100),
    addresses: ["192.0.2.1"],
    authPass: undefined,
  } as const;
  return encodeAdvert({ ...common, source, destination }, priority(100), 1);
};

/** The kernel's own; octets 10 and 11. */
const withoutIpChecksum = ([name, hex, source]: readonly [string, string, string]) => [
  name,
  `${hex.slice(0, 20)}0000${hex.slice(24)}`,
  source,
];

const sockets = () => {
  const links = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the descriptor that read the folder
    }
  });
  return links.filter((link) => link.startsWith("socket:")).length;
};

test("raw transport: an advert arrives whole at the endpoint that it is for, and nowhere else", options, async () => {
  const transport = new RawTransport(silent);
  const heard: [string, string, string][] = [];
  const hear = (name: string) => (packet: Buffer, source: IpAddress) =>
    void heard.push([name, packet.toString("hex"), source]);
  using socketA = transport.open(at(a), hear("a"));
  using socketB = transport.open(at(b), hear("b"));
  const toB = advert(a, b);
  assert.equal(socketA.send(toB, b), 0);
  for (const socket of [socketA, socketB]) socket.filter?.({ routers: [{ vrid: 7, version: 3 }], flooded: false });
  assert.equal(socketA.send(toB, b), 0);
  await until("b hears it", 5000, () => heard.length > 0);
  assert.equal(socketB.send(advert(b, a), a), 0);
  await until("a hears the answer", 5000, () => heard.length > 1);
  assert.deepEqual(heard.map(withoutIpChecksum), [
    ["b", Buffer.from(toB).toString("hex"), a],
    ["a", Buffer.from(advert(b, a)).toString("hex"), b],
  ]);
});

test("raw transport: an error is a number, and a closed socket stays closed", options, () => {
  const socket = new RawTransport(silent).open(at(a), () => undefined);
  assert.equal(socket.send(new Uint8Array(3), b), 22, "EINVAL: no IP header");
  assert.equal(socket.send(advert(a, "255.255.255.255"), "255.255.255.255"), 13, "EACCES: broadcast is not allowed");
  socket[Symbol.dispose]();
  socket[Symbol.dispose]();
  assert.equal(socket.send(advert(a, b), b), 9, "EBADF");
});

test("raw transport: a device that does not exist; no descriptor is left behind", options, () => {
  const transport = new RawTransport(silent);
  const link = {
    index: 9999,
    name: "nosuch0",
    running: true,
    noArp: false,
    multicast: true,
    mtu: 1500,
    mac: new Uint8Array(6),
  };
  const before = sockets();
  for (let i = 0; i < 20; i++) {
    assert.throws(
      () => transport.open({ kind: "multicast", link, address: "224.0.0.18" }, () => undefined),
      /No such device/,
    );
    transport.open(at(a), () => undefined)[Symbol.dispose]();
  }
  assert.equal(sockets(), before);
});
