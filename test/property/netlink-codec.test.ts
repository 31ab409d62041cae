import { test } from "node:test";
import fc from "fast-check";
import { AttributeCursor } from "../../main/netlink/attribute-cursor.js";
import { attributes, messages, verdictOf } from "../../main/netlink/reader.js";
import { MessageWriter } from "../../main/netlink/writer.js";

const octets = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

/** Runs `fn`; anything but success or RangeError is a crash. */
function survives(fn: () => void): boolean {
  try {
    fn();
    return true;
  } catch (error) {
    return error instanceof RangeError;
  }
}

test("any bytes are messages or a RangeError, and reading them ends", () => {
  fc.assert(fc.property(octets, (bytes) => survives(() => [...messages(bytes)].forEach(verdictOf))));
});

test("any bytes are attributes or a RangeError, for both readers alike", () => {
  const walk = (bytes: Buffer): string => {
    const found = new Map<number, string>();
    const cursor = new AttributeCursor(bytes);
    while (cursor.next()) found.set(cursor.type, cursor.bytes().toString("hex"));
    return JSON.stringify([...found]);
  };
  const parse = (bytes: Buffer): string =>
    JSON.stringify([...attributes(bytes)].map(([type, value]) => [type, value.toString("hex")]));
  const outcome = (read: () => string): string => {
    try {
      return read();
    } catch (error) {
      if (error instanceof RangeError) return "RangeError";
      throw error;
    }
  };
  fc.assert(fc.property(octets, (bytes) => outcome(() => walk(bytes)) === outcome(() => parse(bytes))));
});

test("what was written is read back, message by message, attribute by attribute", () => {
  const attribute = fc.tuple(fc.integer({ min: 1, max: 0x3fff }), fc.uint8Array({ maxLength: 40 }));
  const message = fc.record({
    type: fc.integer({ min: 16, max: 0xffff }),
    sequence: fc.integer({ min: 1, max: 0xffffffff }),
    attributes: fc.uniqueArray(attribute, { maxLength: 8, selector: ([type]) => type }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.integer({ min: 1, max: 64 }), (list, initialBytes) => {
      const writer = new MessageWriter(initialBytes);
      for (const m of list) {
        writer.begin(m.type, 1, m.sequence);
        for (const [type, value] of m.attributes) writer.raw(type, value);
        writer.end();
      }
      const read = [...messages(Buffer.from(writer.bytes()))].map(({ type, sequence, payload }) => ({
        type,
        sequence,
        attributes: [...attributes(payload)].map(([t, value]) => [t, value.toString("hex")]),
      }));
      const wrote = list.map((m) => ({
        type: m.type,
        sequence: m.sequence,
        attributes: m.attributes.map(([t, value]) => [t, Buffer.from(value).toString("hex")]),
      }));
      return JSON.stringify(read) === JSON.stringify(wrote);
    }),
  );
});
