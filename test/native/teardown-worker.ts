/** For teardown.test.ts: one live handle of every class, all of them busy, in a worker that is about to be ended. */

import { once } from "node:events";
import { closeSync, ftruncateSync, openSync, unlinkSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort, threadId } from "node:worker_threads";
import { addon, call, getLink, type RawObject, script, udpPair, until } from "./addon-under-test.js";
import { plainTls, specOf, urlOf } from "./probe-spec.js";

const netlink = new addon.NetlinkSocket(
  0,
  1 << 20,
  () => void call(netlink, "send", getLink("lo")),
  () => undefined,
);
for (let i = 0; i < 4; i++) call(netlink, "send", getLink("lo"));
call(netlink, "join", 1);

const timer: RawObject = new addon.DeadlineTimer(() => call(timer, "arm", addon.bootTime() + 0.05));
call(timer, "arm", 0);

// Each datagram is answered by the next, so that some are always on their way.
const udp = udpPair(new Uint8Array(96), () => void call(udp[1], "send", new Uint8Array(24)));
for (let i = 0; i < 40; i++) call(udp[1], "send", new Uint8Array(24));

const child = script("sleep 1000 & sleep 1000", () => undefined);
const closed = script("sleep 1000", () => undefined);
closed.close();
script("exit 0", () => undefined);

const file = join(tmpdir(), `holdfast-teardown-${process.pid}-${threadId}`);
const fd = openSync(file, "w+");
unlinkSync(file);
ftruncateSync(fd, 65_536);
const mapped = addon.mapShared(fd, 65_536);
closeSync(fd);
mapped.fill(1);

// Thousands of checks in every state: up, refused, never answered, waiting for their turn, due at some time.
const silent = createServer((socket) => socket.on("error", () => socket.destroy())).listen(0, "127.0.0.1");
const engine = new addon.ProbeEngine({ inFlight: 300, inFlightPerHost: 200 }, (results: Uint32Array, count: number) => {
  for (let i = 0; i < count; i++) call(engine, "arm", results[i * 16], 0, 0, 0, 0);
});
const ports = await once(silent, "listening").then(() => [(silent.address() as AddressInfo).port, 1]);
const tls = { ...plainTls, resumption: true };
for (let i = 0; i < 2000; i++) {
  const kind = ["tcp", "http", "https", "ping"][i % 4] ?? "tcp";
  const address = `127.0.0.${1 + (i % 3)}`;
  const slot = call(engine, "add", specOf({ kind, address, port: ports[i % 7 === 0 ? 1 : 0], urls: [urlOf()], tls }));
  call(engine, "arm", slot, i, i % 50, 0, i % 3);
}

for (let i = 0; i < 20; i++) addon.makeFifo("/nonexistent/fifo", 0o600, () => undefined);

const others = [new addon.UnixDatagram(), ...(process.geteuid?.() === 0 ? [new addon.PacketSocket()] : [])];
await until("both run", () => child["pid"] !== undefined && closed["pid"] !== undefined);
for (let i = 0; i < 5; i++) script("sleep 1000", () => undefined); // ended while they are being started
parentPort?.postMessage([child["pid"], closed["pid"]]);
parentPort?.on("message", () => process.exit(others.length));
