import assert from "node:assert/strict";
import { test } from "node:test";
import { RestartDelay } from "../../main/vrrp/restart-delay.js";

test("a thread that fails again and again is started ever later, one that lived for a minute soon", () => {
  const delay = new RestartDelay();
  const failing = Array.from({ length: 8 }, () => delay.after(10));
  assert.deepEqual(failing, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  assert.equal(delay.after(60_000), 1000);
  assert.equal(delay.after(10), 2000);
});
