import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Verdict } from "../../main/netlink/reader.js";
import { AsideRequests } from "../../main/network/aside-requests.js";
import { SimClock } from "../simulation/sim-clock.js";

const done: Verdict = { errno: 0, reason: "" };
const request = { type: 16, encode: () => undefined };

test("an answer waits until all is read that the kernel told before it; answers of one turn wait together", async () => {
  const acknowledge: (() => void)[] = [];
  const caughtUp: (() => void)[] = [];
  const connection = {
    request: (_request: unknown, answer: (verdict: Verdict) => void) => void acknowledge.push(() => answer(done)),
    [Symbol.dispose]: () => undefined,
  };
  const catchUp = (): Promise<void> => new Promise((resolve) => void caughtUp.push(resolve));
  const aside = new AsideRequests({ connection, write: () => Promise.resolve() }, catchUp, new SimClock());
  const answered: string[] = [];
  for (const name of ["a", "b", "c"]) aside.ask(name, request, () => void answered.push(name));

  acknowledge.shift()?.();
  acknowledge.shift()?.();
  await nextTurn();
  assert.deepEqual([answered, caughtUp.length], [[], 1]);
  acknowledge.shift()?.(); // later than what is being read: it waits for another reading
  caughtUp.shift()?.();
  await nextTurn();
  assert.deepEqual([answered, caughtUp.length], [["a", "b"], 1]);
  caughtUp.shift()?.();
  await nextTurn();
  assert.deepEqual(answered, ["a", "b", "c"]);
});
