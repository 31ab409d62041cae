import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NetlinkConnection, type Request } from "../../main/netlink/connection.js";
import { NETLINK_ROUTE } from "../../native-bindings/netlink.js";
import { needs } from "../harness/needs.js";

const RTM_DELLINK = 17;
const IFLA_IFNAME = 3;
const [ENODEV, EPERM, ENOBUFS] = [19, 1, 105];
/** The kernel makes at least 2,304 bytes of it. */
const SMALLEST_BUFFER = 1;

/** Of a link that is not there. */
const refused: Request = {
  type: RTM_DELLINK,
  encode: (writer) => {
    writer.header(new Uint8Array(16));
    writer.text(IFLA_IFNAME, "hf-not-there");
  },
};

test("a socket that overflows with refusals answers whatever is asked, before and after", {
  skip: needs("native"),
  timeout: 60_000,
}, async () => {
  using connection = new NetlinkConnection(NETLINK_ROUTE, {}, SMALLEST_BUFFER);
  let lost = 0;
  for (let round = 0; round < 5; round++) {
    const batches = [3000, 1, 700].map((count) => connection.batch(Array.from({ length: count }, () => refused)));
    const answered = await Promise.race([Promise.all(batches), sleep(10_000, undefined, { ref: false })]);
    assert.ok(answered !== undefined, `round ${round}: some are never answered`);
    const verdicts = answered.flat().map(({ errno }) => errno);
    assert.equal(verdicts.length, 3701);
    assert.ok(
      verdicts.every((errno) => errno === ENODEV || errno === EPERM || errno === ENOBUFS),
      String(new Set(verdicts)),
    );
    lost += verdicts.filter((errno) => errno === ENOBUFS).length;
  }
  assert.ok(lost > 0, "it was small enough");
});
