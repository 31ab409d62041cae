import assert from "node:assert/strict";
import { test } from "node:test";
import { endsWithin } from "../../main/control/ends-within.js";
import { ms } from "../../main/units.js";

const never = new Promise<void>(() => undefined);

test("work within its time, without one, and beyond it", async () => {
  assert.equal(await endsWithin(Promise.resolve(), ms(60_000)), true);
  assert.equal(await endsWithin(Promise.resolve(), ms(0xffff_ffff * 1000)), true, "keepalived's longest");
  assert.equal(await endsWithin(Promise.resolve(), undefined), true);
  assert.equal(await endsWithin(never, ms(10)), false);
  assert.equal(await endsWithin(never, ms(0)), false);
});

test("a failure is no end", async () => {
  await assert.rejects(endsWithin(Promise.reject(new Error("no")), ms(60_000)), /no/);
  await assert.rejects(endsWithin(Promise.reject(new Error("no")), undefined), /no/);
});
