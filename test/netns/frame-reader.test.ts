import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { addressProbe } from "../../main/vrrp/probe-frames.js";
import { type FrameReader, openFrameReader } from "../../native-bindings/frame-reader.js";
import { openPacketSocket } from "../../native-bindings/packet.js";
import { needs } from "../harness/needs.js";
import { stays, until } from "../harness/until.js";

/** The add-on's frame reader against the machine's own kernel, over loopback, whose index is 1. */

const options = { skip: needs("root", "native"), timeout: 30_000 };
const LO = 1;
const mac = Uint8Array.of(2, 0, 0, 0, 0, 9);
const arp = addressProbe(mac, "192.0.2.100");
/** An advert for 2001:db8::1, as far as the kernel's filter looks. */
const advert = addressProbe(mac, "2001:db8::1").map((octet, i) => (i === 54 ? 136 : octet));
const descriptors = (): number => readdirSync("/proc/self/fd").length;

test("ARP is heard by the one, neighbour adverts by the other, solicitations by none", options, async () => {
  const heard: string[] = [];
  using _four = openFrameReader(LO, 4, (frame) => void heard.push(`4 ${frame.toString("hex")}`));
  using _six = openFrameReader(LO, 6, (frame) => void heard.push(`6 ${frame.toString("hex")}`));
  using sender = openPacketSocket();
  for (const frame of [addressProbe(mac, "2001:db8::1"), arp, advert]) assert.equal(sender.send(LO, frame), 0);
  await until("both are heard", 5000, () => heard.length >= 2);
  const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");
  assert.deepEqual(new Set(heard), new Set([`4 ${hex(arp)}`, `6 ${hex(advert)}`]));
  assert.equal(heard.length, 2);
});

test(
  "closed twice, closed from its own callback: nothing more is heard, and no descriptor is left",
  options,
  async () => {
    const before = descriptors();
    let heard = 0;
    const reader: FrameReader = openFrameReader(LO, 4, () => {
      heard++;
      reader.close();
      reader.close();
    });
    using sender = openPacketSocket();
    for (let i = 0; i < 20; i++) assert.equal(sender.send(LO, arp), 0);
    await until("one is heard", 5000, () => heard > 0);
    await stays("only one", 100, () => heard === 1);
    reader.close();
    sender.close();
    await until("descriptors are closed", 5000, () => descriptors() <= before);
  },
);

test("wrong arguments and interfaces that do not exist are errors", options, () => {
  const open = openFrameReader as (...args: readonly unknown[]) => FrameReader;
  for (const args of [
    [],
    [LO, 5, () => undefined],
    [0, 4, () => undefined],
    [-1, 4, () => undefined],
    [LO, 4, null],
    [Number.NaN, 4, () => undefined],
  ])
    assert.throws(() => open(...args), TypeError);
  assert.throws(() => open(0x7fff_fffe, 4, () => undefined), { code: "ENODEV" });
});

test("a worker that ends with open readers takes them along", options, async () => {
  const before = descriptors();
  const source = `
    import(${JSON.stringify(new URL("../../native-bindings/frame-reader.js", import.meta.url).href)})
      .then(({ openFrameReader }) => {
        for (let i = 0; i < 5; i++) openFrameReader(1, i % 2 ? 4 : 6, () => undefined);
        require("node:worker_threads").parentPort.postMessage("open");
      });`;
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(source, { eval: true });
    await new Promise((resolve) => worker.once("message", resolve));
    await worker.terminate();
  }
  await until("descriptors are closed", 5000, () => descriptors() <= before + 2);
});
