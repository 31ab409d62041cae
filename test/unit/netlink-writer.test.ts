import assert from "node:assert/strict";
import { test } from "node:test";
import { AttributeCursor } from "../../main/netlink/attribute-cursor.js";
import { attributes, messages, numberOf, textOf, verdictOf } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";

test("attributes, padding and nests, byte for byte", () => {
  const writer = new MessageWriter();
  writer.begin(0x10, 0x5, 7);
  writer.header(Uint8Array.of(3, 1));
  writer.u8(1, 0xab);
  writer.be16(2, 0x1234);
  writer.nest(3, () => {
    writer.u32(4, 0x01020304);
    writer.text(5, "rr");
  });
  writer.addFlags(0x100);
  writer.end();
  const hex = [
    "38000000 1000 0501 07000000 00000000", // nlmsghdr
    "03010000",
    "05000100 ab000000",
    "06000200 12340000",
    "14000300 08000400 04030201 07000500 72720000",
  ];
  assert.equal(writer.bytes().toString("hex"), hex.join("").replaceAll(" ", ""));
});

for (const initialBytes of [1, 16, 20, 24, 28, 64])
  test(`a buffer of ${initialBytes} octets grows in the middle of an attribute without losing it`, () => {
    const small = new MessageWriter(initialBytes);
    const large = new MessageWriter();
    for (const writer of [small, large])
      for (let n = 0; n < 20; n++) {
        writer.begin(n, 1, n);
        writer.u8(1, n);
        writer.u16(2, n);
        writer.be16(3, n);
        writer.u32(4, n);
        writer.be32(5, n);
        writer.nest(6, () => writer.text(7, `text ${n}`));
        writer.end();
      }
    assert.equal(small.bytes().toString("hex"), large.bytes().toString("hex"));
  });

test("nothing of an earlier message is left in the padding of a later one", () => {
  const writer = new MessageWriter();
  writer.begin(1, 1, 1);
  writer.raw(1, new Uint8Array(64).fill(0xff));
  writer.end();
  writer.reset();
  writer.begin(1, 1, 1);
  writer.raw(1, Uint8Array.of(1));
  writer.end();
  assert.equal(writer.bytes().subarray(16).toString("hex"), "0500010001000000");
});

test("an attribute longer than its length field is refused", () => {
  assert.throws(() => new MessageWriter().raw(1, new Uint8Array(0xfffc)), RangeError);
});

test("torn messages and attributes are refused", () => {
  const header = Buffer.alloc(16);
  for (const length of [0, 15, 17, 0xffffffff]) {
    header.writeUInt32LE(length, 0);
    assert.throws(() => [...messages(header)], RangeError, `length ${length}`);
  }
  for (const bytes of ["0300", "03000100", "09000100aabb"]) {
    const torn = Buffer.from(bytes, "hex");
    assert.throws(() => attributes(torn), RangeError);
    const cursor = new AttributeCursor(torn);
    assert.throws(() => cursor.next(), RangeError);
  }
});

test("the cursor reads what the writer wrote", () => {
  const writer = new MessageWriter();
  writer.begin(1, 1, 1);
  writer.u16(1, 0x1234);
  writer.be32(2, 0x01020304);
  writer.text(3, "wlc");
  writer.end();
  const cursor = new AttributeCursor(Buffer.from(writer.bytes()), 16);
  const read: unknown[] = [];
  while (cursor.next()) {
    if (cursor.type === 1) read.push(cursor.u16());
    if (cursor.type === 2) read.push(cursor.be32(), cursor.u32());
    if (cursor.type === 3) read.push(cursor.text());
  }
  assert.deepEqual(read, [0x1234, 0x01020304, 0x04030201, "wlc"]);
  const short = new AttributeCursor(Buffer.from("0500010007000000", "hex"));
  assert.ok(short.next());
  assert.throws(() => short.u16(), RangeError);
});

test("numbers, texts and verdicts of what is missing or odd", () => {
  assert.equal(numberOf(undefined), undefined);
  assert.equal(numberOf(Buffer.alloc(3)), undefined);
  assert.equal(numberOf(Buffer.from("0102", "hex")), 0x0201);
  assert.equal(textOf(undefined), "");
  assert.equal(textOf(Buffer.from("rr\0junk")), "rr");
  const message = { type: 2, flags: 0, sequence: 1, portId: 0 };
  assert.deepEqual(verdictOf({ ...message, payload: Buffer.alloc(0) }), { errno: 0, reason: "" });
});
