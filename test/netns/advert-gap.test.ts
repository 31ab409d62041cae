import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdvertGapResult, measureAdvertGaps } from "../../bench/advert-gap.js";
import { needs } from "../harness/needs.js";

const options = { skip: needs("root", "netns", "native", "keepalived", "tcpdump"), timeout: 400_000 };

/**
 * The machine is shared, and one stall of its own shows in any program's worst gap. So a round that misses the bound is
 * repeated, twice at most; a daemon that cannot keep the bound misses it three times. A round in which keepalived, that checks
 * nothing, misses it as well tells of the machine alone and does not count, but more than so many are not played.
 */
const [COUNTED, PLAYED] = [3, 6];

test("adverts at 0.1 s keep their rhythm while 5,000 checks run", options, async (t) => {
  const rounds: AdvertGapResult[] = [];
  const counted = (): number => rounds.filter(({ keepalived }) => keepalived.max <= LONGEST_MS).length;
  while (rounds.length < PLAYED && counted() < COUNTED && !rounds.some(keepsBound)) {
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

const LONGEST_MS = 110;

/** Median within 1 ms of nominal, maximum within 10 ms, and the checks did run: 5,000 every 5 s. */
const keepsBound = ({ ours, checksPerSecond }: AdvertGapResult): boolean =>
  ours.count > 100 && Math.abs(ours.median - 100) <= 1 && ours.max <= LONGEST_MS && checksPerSecond > 900;
