import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConnectionEvents, NetlinkConnection, type Request } from "../../main/netlink/connection.js";
import { NLM_F_ACK, NLM_F_DUMP_INTR } from "../../main/netlink/reader.js";
import { FakeNetlink } from "../harness/fake-netlink.js";

const request = (value: number, bytes = 0): Request => ({
  type: 100,
  encode: (writer) => {
    writer.u32(1, value);
    if (bytes > 0) writer.raw(2, new Uint8Array(bytes));
  },
});
const numberIn = (payload: Buffer): number => payload.readUInt32LE(4);
const connect = (kernel: FakeNetlink, events: ConnectionEvents = {}): NetlinkConnection =>
  new NetlinkConnection(16, events, 1024, kernel.open);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a batch is one sendmsg, acknowledged once, with one verdict per request", async () => {
  const refused = new Map([
    [2, 17],
    [5, 3],
  ]);
  const kernel = new FakeNetlink((r) => refused.get(numberIn(r.payload)) ?? 0);
  using connection = connect(kernel);
  const verdicts = await connection.batch([1, 2, 3, 4, 5].map((n) => request(n)));
  assert.deepEqual(
    verdicts.map((v) => v.errno),
    [0, 17, 0, 0, 3],
  );
  assert.deepEqual(
    kernel.packs.map((pack) => pack.map((r) => (r.flags & NLM_F_ACK) !== 0)),
    [[false, false, false, false, true]],
  );
});

test("a batch too large for one sendmsg is split, and every verdict still finds its request", async () => {
  const kernel = new FakeNetlink((r) => (numberIn(r.payload) % 100 === 7 ? 2 : 0));
  using connection = connect(kernel);
  const verdicts = await connection.batch(Array.from({ length: 3000 }, (_, n) => request(n, 100)));
  const wrong = verdicts.flatMap((v, n) => (v.errno === (n % 100 === 7 ? 2 : 0) ? [] : [n]));
  assert.deepEqual(wrong, []);
  assert.ok(kernel.packs.length >= 10, `${kernel.packs.length} packs`);
});

test("very many requests wait for answers; those that waited are sent then", async () => {
  const kernel = new FakeNetlink();
  kernel.hold = true;
  using connection = connect(kernel);
  const done = connection.batch(Array.from({ length: 2000 }, (_, n) => request(n)));
  assert.equal(kernel.packs.flat().length, 768);
  kernel.deliver();
  assert.equal((await done).length, 2000);
});

test("answers were dropped in silence: a no-op overtakes those that wait, and the line moves again", async () => {
  const kernel = new FakeNetlink();
  kernel.hold = true;
  using connection = connect(kernel);
  const heard: number[] = [];
  for (let n = 0; n < 1000; n++) connection.request(request(n), ({ errno }) => heard.push(errno));
  assert.equal(kernel.packs.flat().length, 768);
  kernel.drop();
  const noop = await new Promise((resolve) => connection.request({ type: 1, encode: () => undefined }, resolve));
  assert.deepEqual(noop, { errno: 0, reason: "" });
  await turn();
  await turn();
  assert.deepEqual(
    [heard.filter((errno) => errno === 105).length, heard.filter((errno) => errno === 0).length],
    [768, 232],
  );
});

test("requests of several callers answer each to its own", async () => {
  const kernel = new FakeNetlink((r) => numberIn(r.payload));
  using connection = connect(kernel);
  const heard: number[] = [];
  for (const errno of [5, 0, 9]) connection.request(request(errno), (verdict) => heard.push(verdict.errno));
  assert.deepEqual(heard, []);
  assert.deepEqual(await connection.batch([]), []);
  await turn();
  assert.deepEqual(heard, [5, 0, 9]);
});

test("a sendmsg that fails is the verdict of all its requests, in a later turn", async () => {
  const kernel = new FakeNetlink();
  kernel.refuseSend = 11;
  using connection = connect(kernel);
  const verdicts = await connection.batch([request(1), request(2)]);
  assert.deepEqual(
    verdicts.map((v) => v.errno),
    [11, 11],
  );
});

test("a lost answer is a verdict, too, and the connection goes on", async () => {
  const lost: string[] = [];
  const kernel = new FakeNetlink();
  kernel.hold = true;
  using connection = connect(kernel, { onLost: (why) => lost.push(why) });
  const batch = connection.batch([request(1), request(2)]);
  const dump = connection.dump(100, () => undefined);
  kernel.fail(105);
  assert.deepEqual(
    (await batch).map((v) => v.errno),
    [105, 105],
  );
  assert.equal((await dump).verdict.errno, 105);
  assert.deepEqual(lost, ["the socket's receive buffer overflowed"]);
  kernel.deliver();
  assert.deepEqual(
    (await connection.batch([request(3)])).map((v) => v.errno),
    [0],
  );
});

test("dumps run one after another", async () => {
  const part = { type: 100, payload: Buffer.from([1, 2, 3, 4]) };
  const kernel = new FakeNetlink(() => [part, part]);
  kernel.hold = true;
  using connection = connect(kernel);
  const both = [connection.dump(100, () => undefined), connection.dump(100, () => undefined)];
  await turn();
  assert.equal(kernel.packs.length, 1);
  kernel.deliver();
  const results = await Promise.all(both);
  assert.deepEqual(
    results.map((r) => [r.verdict.errno, r.parts.length, r.interrupted]),
    [
      [0, 2, false],
      [0, 2, false],
    ],
  );
});

test("a dump under which the table changed says so", async () => {
  const kernel = new FakeNetlink(() => [{ type: 100, payload: Buffer.alloc(4), flags: NLM_F_DUMP_INTR }]);
  using connection = connect(kernel);
  assert.equal((await connection.dump(100, () => undefined)).interrupted, true);
});

test("a refused dump ends with its errno", async () => {
  using connection = connect(new FakeNetlink(() => 1));
  assert.equal((await connection.dump(100, () => undefined)).verdict.errno, 1);
});

test("a question is answered by messages and an acknowledgement", async () => {
  using connection = connect(new FakeNetlink(() => [{ type: 100, payload: Buffer.from("answer00") }]));
  const { verdict, parts } = await connection.query(request(1));
  assert.equal(verdict.errno, 0);
  assert.deepEqual(
    parts.map((p) => p.payload.toString()),
    ["answer00"],
  );
});

test("close answers whoever waits, once; afterwards everything fails", async () => {
  const kernel = new FakeNetlink();
  kernel.hold = true;
  const connection = connect(kernel);
  const waiting = [connection.batch(Array.from({ length: 1000 }, (_, n) => request(n)))];
  const dumps = [connection.dump(100, () => undefined), connection.dump(100, () => undefined)];
  connection.close();
  connection.close();
  waiting.push(connection.batch([request(1)]));
  for (const verdicts of await Promise.all(waiting)) assert.ok(verdicts.every((v) => v.errno === 9));
  for (const { verdict } of await Promise.all(dumps)) assert.equal(verdict.errno, 9);
});

test("notifications and torn datagrams reach their listeners", () => {
  const lost: string[] = [];
  const seen: number[] = [];
  const kernel = new FakeNetlink();
  using _connection = connect(kernel, { onLost: (why) => lost.push(why), onNotification: (m) => seen.push(m.type) });
  const notification = Buffer.alloc(16);
  notification.writeUInt32LE(16, 0);
  notification.writeUInt16LE(20, 4);
  kernel.push(notification);
  kernel.push(notification.subarray(0, 9));
  assert.deepEqual(seen, [20]);
  assert.equal(lost.length, 1);
});
