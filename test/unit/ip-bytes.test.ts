import assert from "node:assert/strict";
import test from "node:test";
import { bytesOfIp, ipOfBytes } from "../../main/ip-bytes.js";

/** Want: what inet_pton(3) makes of the text, and what inet_ntop(3) of glibc makes of the octets again. */
const rows: readonly (readonly [text: string, hex: string, canonical: string])[] = [
  ["0.0.0.0", "00000000", "0.0.0.0"],
  ["192.168.200.17", "c0a8c811", "192.168.200.17"],
  ["::", "00000000000000000000000000000000", "::"],
  ["::1", "00000000000000000000000000000001", "::1"],
  ["1::", "00010000000000000000000000000000", "1::"],
  ["fe80::1:2", "fe800000000000000000000000010002", "fe80::1:2"],
  ["2001:DB8:0:0:1:0:0:1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["1:0:0:2:0:0:0:3", "00010000000000020000000000000003", "1:0:0:2::3"],
  ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
  ["::192.0.2.1", "000000000000000000000000c0000201", "::192.0.2.1"],
  ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221", "64:ff9b::c000:221"],
];

for (const [text, hex, canonical] of rows) {
  test(`${text} is ${hex}`, () => {
    assert.equal(bytesOfIp(text).toString("hex"), hex);
    assert.equal(ipOfBytes(Buffer.from(hex, "hex")), canonical);
  });
}

test("what is no address is refused", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "g::", "fe80::1%eth0", "::1/64"])
    assert.throws(() => bytesOfIp(text), RangeError, text);
  for (const length of [0, 3, 5, 15, 17]) assert.throws(() => ipOfBytes(new Uint8Array(length)), RangeError);
});
