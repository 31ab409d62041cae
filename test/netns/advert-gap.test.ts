import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdvertGapResult, measureAdvertGaps } from "../../bench/advert-gap.js";
import { needs } from "../harness/needs.js";

const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 240_000 };

/**
 * The machine is shared, and one stall of its own shows in any program's worst gap. So a round that misses the bound is
 * repeated, twice at most; a daemon that cannot keep the bound misses it three times.
 */
test("adverts at 0.1 s keep their rhythm while 5,000 checks run", options, async (t) => {
  const rounds: AdvertGapResult[] = [];
  while (rounds.length < 3 && !rounds.some(keepsBound)) {
    const round = await measureAdvertGaps(15, 5000);
    rounds.push(round);
    const { ours, keepalived, checksPerSecond } = round;
    t.diagnostic(
      `${checksPerSecond.toFixed(0)} checks/s; median/max gap in ms: ours ${ours.median.toFixed(2)}/${ours.max.toFixed(2)}, ` +
        `keepalived ${keepalived.median.toFixed(2)}/${keepalived.max.toFixed(2)}`,
    );
  }
  assert.ok(rounds.some(keepsBound), JSON.stringify(rounds));
});

/** Median within 1 ms of nominal, maximum within 10 ms, and the checks did run: 5,000 every 5 s. */
const keepsBound = ({ ours, checksPerSecond }: AdvertGapResult): boolean =>
  ours.count > 100 && Math.abs(ours.median - 100) <= 1 && ours.max <= 110 && checksPerSecond > 900;
