import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { addon, call, type RawObject, udpPair, until } from "./addon-under-test.js";

/** What test/unit/udp.test.ts asks of the typed face; here what goes wrong below it, with sanitizers too (asan.test.ts). */

const timeout = 20_000;
const HEADER = 32;
const MOST_BYTES = 65_507;

test("datagrams of every length fit, are cut off, or are empty; the view is never written past its end", {
  timeout,
}, async () => {
  for (const room of [32, 33, 56, 96, 2048]) {
    const around = new Uint8Array(room + 64).fill(0xa5);
    const view = around.subarray(32, 32 + room);
    const heard: number[] = [];
    const [reader, sender] = udpPair(view, (length) => heard.push(length));
    const lengths = [0, 1, 23, 24, 25, 100, 1500, 9000, MOST_BYTES];
    for (const length of lengths) {
      assert.equal(call(sender, "send", new Uint8Array(length).fill(7)), 0);
      await until("it is heard", () => heard.length === lengths.indexOf(length) + 1);
      const held = view.subarray(HEADER, HEADER + Math.min(length, 24));
      assert.ok(
        held.every((octet) => octet === 7),
        `${length} octets into ${room}`,
      );
    }
    assert.deepEqual(heard, lengths);
    assert.ok([...around.subarray(0, 32), ...around.subarray(32 + room)].every((octet) => octet === 0xa5));
    reader.close();
    sender.close();
  }
});

test("closed in the middle of a burst, by whoever hears it: nothing comes after", { timeout }, async () => {
  for (let round = 0; round < 50; round++) {
    let heard = 0;
    const [reader, sender]: [RawObject, RawObject] = udpPair(new Uint8Array(96), () => {
      if (++heard !== 3) return;
      reader.close();
      sender.close();
      reader.close();
    });
    for (let i = 0; i < 40; i++) call(sender, "send", new Uint8Array(24));
    await until("the third", () => heard >= 3);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(heard, 3);
    assert.equal(call(reader, "filter", new Uint8Array(8)), constants.errno.EBADF);
    assert.equal(call(sender, "send", new Uint8Array(24)), constants.errno.EBADF);
  }
});

test("the memory of the view goes away while datagrams come: they are not handed over, and nothing is written", {
  timeout,
}, async () => {
  const view = new Uint8Array(96);
  let heard = 0;
  const [reader, sender] = udpPair(view, () => {
    if (++heard === 2) structuredClone(view.buffer, { transfer: [view.buffer] });
  });
  for (let i = 0; i < 40; i++) call(sender, "send", new Uint8Array(24));
  await until("two", () => heard === 2);
  for (let i = 0; i < 40; i++) call(sender, "send", new Uint8Array(24));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(heard, 2);
  reader.close();
  sender.close();
});

test("wrappers that nobody holds keep hearing, and go when they are closed", { timeout }, async () => {
  let heard = 0;
  const senders: RawObject[] = [];
  const readers = Array.from({ length: 50 }, () => {
    const [reader, sender] = udpPair(new Uint8Array(96), () => heard++);
    senders.push(sender);
    return new WeakRef(reader);
  });
  globalThis.gc?.();
  for (const sender of senders) call(sender, "send", new Uint8Array(24));
  await until("all of them", () => heard === readers.length);
  for (const reader of readers) reader.deref()?.close();
  for (const sender of senders) sender.close();
});

test("an address that is unreachable, a filter that is none, ends of two families", { timeout }, () => {
  const multicast = Uint8Array.of(255, 255, 255, 255);
  using broadcast = new addon.UdpSender(new Uint8Array(0), 0, multicast, 9, 255);
  assert.equal(call(broadcast, "send", new Uint8Array(24)), constants.errno.EACCES);
  const [reader, sender] = udpPair(new Uint8Array(96), () => undefined);
  assert.equal(call(sender, "send", new Uint8Array(100_000)), constants.errno.EMSGSIZE);
  for (const bytes of [new Uint8Array(0), new Uint8Array(7), new Uint8Array(8).fill(0xff), new Uint8Array(8 * 5000)])
    assert.notEqual(call(reader, "filter", bytes), 0);
  reader.close();
  sender.close();
  assert.throws(() => new addon.UdpSender(new Uint8Array(16), 0, multicast, 9, 255), TypeError);
  assert.throws(() => new addon.UdpSender(Uint8Array.of(192, 0, 2, 77), 0, multicast, 9, 255), {
    code: "EADDRNOTAVAIL",
  });
});
