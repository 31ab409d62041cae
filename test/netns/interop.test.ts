import { describe, test } from "node:test";
import { needs } from "../harness/needs.js";
import { signedKinds } from "./interop-kinds.js";
import { crashReturnStop, type Row, rows } from "./interop-rows.js";
import { Stand } from "./interop-stand.js";
import { type Pairing, pairings } from "./pairing.js";

/**
 * Every case with holdfast as master, as backup and as both: addresses are read back with `ip -j`, adverts from a capture of the
 * segment. A case mostly waits for intervals to pass, so several run at a time.
 */

const AT_A_TIME = 14;
const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 120_000 };
const own = pairings.filter(({ master, backup }) => master.name === "holdfast" && backup.name === "holdfast");

const cases: readonly (readonly [Row, Pairing])[] = [
  ...rows.flatMap((row) => pairings.map((pairing) => [row, pairing] as const)),
  ...own.map((pairing) => [{ name: "auth_hmac", kinds: signedKinds, run: crashReturnStop }, pairing] as const),
];

describe("interop", { concurrency: AT_A_TIME }, () => {
  for (const [row, pairing] of cases) {
    test(`${row.name}: ${pairing.name}`, options, async (t) => {
      await using stand = await Stand.create(pairing, row.kinds, {
        ...(row.a && { a: row.a }),
        ...(row.b && { b: row.b }),
      });
      try {
        await row.run(stand);
      } catch (error) {
        t.diagnostic(await stand.logs());
        throw error;
      }
    });
  }
});
