import assert from "node:assert/strict";
import { test } from "node:test";
import { runLifecycleScript } from "../../main/notify/lifecycle-script.js";
import type { Log } from "../../main/observe/log.js";
import { ms } from "../../main/units.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import { ManualClock, script } from "./notify-support.js";

function setUp() {
  const said: string[] = [];
  const log: Log = Object.assign(
    (level: string, _event: string, sentence: string) => void said.push(`${level}: ${sentence}`),
    {
      detail: true,
    },
  );
  let done: ((result: ScriptResult) => void) | undefined;
  let ended = 0;
  const clock = new ManualClock();
  const scripts = {
    run: (...[, , , then]: readonly [unknown, unknown, unknown, (result: ScriptResult) => void]) => {
      done = then;
      return { pid: 123, end: () => void (ended += 1) };
    },
  };
  return { said, log, scripts, clock, finish: (result: ScriptResult) => done?.(result), ended: () => ended };
}

const endings: readonly (readonly [ScriptResult, string])[] = [
  [{ kind: "exited", value: 0 }, "debug: startup script succeeded"],
  [{ kind: "exited", value: 3 }, "warning: startup script failed, status 3 - run /x by hand as its user to see why"],
  [{ kind: "signalled", value: 11 }, "warning: startup script was ended by signal 11"],
  [
    { kind: "timed-out", value: 15 },
    "warning: startup script timed out and was ended - make /x faster, or raise startup_script_timeout",
  ],
  [
    { kind: "not-started", value: 13 },
    "warning: startup script /x cannot be started: EACCES - the daemon goes on without it",
  ],
];

for (const [result, sentence] of endings) {
  test(`a startup script that ${result.kind} with ${result.value}`, async () => {
    const { said, log, scripts, clock, finish } = setUp();
    const over = runLifecycleScript("startup", script("/x"), ms(10), { scripts, clock, log });
    finish(result);
    await over; // whatever happened: the start goes on
    assert.equal(clock.armed, 0);
    assert.deepEqual(said, ["info: Running startup script /x", sentence]);
  });
}

test("a daemon that is to stop ends its startup script, and waits until it is gone", async () => {
  const { said, log, scripts, clock, finish, ended } = setUp();
  const stop = new AbortController();
  let over = false;
  const run = runLifecycleScript("startup", script("/x"), ms(0), { scripts, clock, log, signal: stop.signal }).then(
    () => {
      over = true;
    },
  );
  assert.equal(ended(), 0);
  stop.abort();
  await Promise.resolve();
  assert.deepEqual([ended(), over], [1, false]);
  finish({ kind: "timed-out", value: 15 });
  await run;
  assert.equal(said.at(-1), "warning: startup script was ended: the daemon is to stop");
});

test("a daemon that is to stop already", async () => {
  const { log, scripts, clock, finish, ended } = setUp();
  const run = runLifecycleScript("startup", script("/x"), ms(0), { scripts, clock, log, signal: AbortSignal.abort() });
  assert.equal(ended(), 1);
  finish({ kind: "timed-out", value: 15 });
  await run;
});

const lingering = (which: string): string =>
  `error: ${which} script (PID 123) failed to terminate after kill: going on without it - /x hangs in the kernel, look at the disks that it uses`;

test("one that SIGKILL does not end is waited for no longer than 4 s after its time", async () => {
  for (const which of ["startup", "shutdown"] as const) {
    const { said, log, scripts, clock, finish } = setUp();
    const over = runLifecycleScript(which, script("/x"), ms(10_000), { scripts, clock, log });
    clock.advance(13_999);
    assert.deepEqual(said, [`info: Running ${which} script /x`]);
    clock.advance(1);
    await over;
    finish({ kind: "timed-out", value: 9 }); // an hour later its disk is back
    assert.deepEqual(said, [`info: Running ${which} script /x`, lingering(which)]);
    assert.equal(clock.armed, 0);
  }
});

test("a daemon that is to stop does not wait for one either", async () => {
  const { said, log, scripts, clock, ended } = setUp();
  const stop = new AbortController();
  const over = runLifecycleScript("startup", script("/x"), ms(10_000), { scripts, clock, log, signal: stop.signal });
  clock.advance(100);
  stop.abort();
  clock.advance(3999);
  assert.deepEqual([ended(), said.length], [1, 1]);
  clock.advance(1);
  await over;
  assert.deepEqual([said.at(-1), clock.armed], [lingering("startup"), 0]);
});
