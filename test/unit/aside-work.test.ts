import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalsOf, unlessAborted } from "../../main/control/aside-work.js";
import { DaemonError } from "../../main/errors.js";

test("a part that is refused keeps the others from nothing", async () => {
  const done: string[] = [];
  const refusal = new DaemonError("E_PRIVILEGE", "no raw sockets");
  const refuse = async (): Promise<void> => {
    done.push("vrrp");
    throw refusal;
  };
  const refusals = await refusalsOf([refuse, async () => void done.push("lvs")]);
  assert.deepEqual([refusals, done], [[refusal], ["vrrp", "lvs"]]);
  const bug = async (): Promise<void> => Promise.reject(new TypeError("bug"));
  await assert.rejects(refusalsOf([bug]), TypeError);
});

test("work that hangs is not waited for by whoever leaves", { timeout: 5000 }, async () => {
  const leaving = new AbortController();
  const waiting = unlessAborted(leaving.signal, new Promise(() => undefined));
  leaving.abort();
  await waiting;
  await unlessAborted(leaving.signal, new Promise(() => undefined));
  await assert.rejects(unlessAborted(new AbortController().signal, Promise.reject(new TypeError("bug"))), TypeError);
});
