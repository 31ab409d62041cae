import assert from "node:assert/strict";
import test from "node:test";
import type { ScriptCommand, ScriptUser } from "../../main/config/model.js";
import type { FifoConfig, FifosConfig } from "../../main/config/model-global.js";
import type { FifoFile, FifoOpener } from "../../main/notify/fifo-file.js";
import { type FifoSettings, Fifos, wantedFifos } from "../../main/notify/fifos.js";
import { ms } from "../../main/units.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import { ManualClock, recordingLog, script } from "./notify-support.js";

const none: FifoConfig = { path: undefined, owner: undefined, script: undefined };
const at = (path: string, reader?: ScriptCommand, owner?: ScriptUser): FifoConfig => ({ path, owner, script: reader });

const settings = (fifos: Partial<FifosConfig>, more: Partial<FifoSettings> = {}): FifoSettings => ({
  fifos: { all: none, vrrp: none, lvs: none, statesOnReload: false, ...fifos },
  defaultOwner: undefined,
  umask: 0o177,
  sides: new Set(["vrrp", "lvs"]),
  ...more,
});

const shown = (given: FifoSettings) =>
  wantedFifos(given).wanted.map(({ path, sides, script: reader }) =>
    [path, sides.join("+"), ...(reader?.argv ?? [])].join(" "),
  );

test("which pipes there are, whose lines they get, who reads them", () => {
  const [r1, r2] = [script("/r1"), script("/r2")];
  assert.deepEqual(shown(settings({ all: at("/g", r1), vrrp: at("/v"), lvs: at("/l", r2) })), [
    "/g vrrp+lvs /r1",
    "/v vrrp",
    "/l lvs /r2",
  ]);
  assert.deepEqual(shown(settings({ all: at("/g"), lvs: at("/l") }, { sides: new Set(["vrrp"]) })), ["/g vrrp+lvs"]);
  assert.deepEqual(shown(settings({ vrrp: at("/x"), lvs: at("/x", r2) })), ["/x vrrp+lvs /r2"]);
  assert.deepEqual(shown(settings({ vrrp: at("/x", r1), lvs: at("/x", r2) })), ["/x vrrp+lvs /r1"]);
  const twice = settings({ all: at("/x"), vrrp: at("/x", r1), lvs: at("/x") });
  assert.deepEqual(shown(twice), ["/x vrrp+lvs"]);
  assert.deepEqual(wantedFifos(twice).ignored, [
    "notify FIFO /x has been specified for global and vrrp FIFO - ignoring vrrp FIFO",
    "notify FIFO /x has been specified for global and LVS FIFO - ignoring LVS FIFO",
  ]);
});

class Bench {
  readonly clock = new ManualClock();
  readonly #recording = recordingLog();
  readonly lines = this.#recording.lines;
  /** What happened to pipes and readers, in order. */
  readonly done: string[] = [];
  readonly ends = new Map<string, (result: ScriptResult) => void>();
  readonly fifos: Fifos;

  constructor() {
    const open: FifoOpener = ({ path }) => {
      this.done.push(`open ${path}`);
      const file: FifoFile = {
        write: (text) => {
          this.done.push(`${path} < ${text.trimEnd()}`);
          return Promise.resolve("written");
        },
        close: () => {
          this.done.push(`close ${path}`);
          return Promise.resolve();
        },
      };
      return Promise.resolve(file);
    };
    this.fifos = new Fifos({
      open,
      run: ({ argv }, args, _, done) => {
        const text = [...argv, ...args].join(" ");
        this.done.push(`run ${text}`);
        this.ends.set(text, done);
        return { end: () => this.done.push(`end ${text}`) };
      },
      log: this.#recording.log,
      clock: this.clock,
    });
  }

  async take(): Promise<readonly string[]> {
    for (let i = 0; i < 20; i += 1) await Promise.resolve();
    return this.done.splice(0);
  }
}

test("lines of a side go to its pipe and to the common one; readers get the path", async () => {
  const bench = new Bench();
  bench.fifos.configure(settings({ all: at("/g"), vrrp: at("/v", script("/reader", "-x")), lvs: at("/l") }));
  bench.fifos.tell("vrrp", "A\n", "state");
  assert.deepEqual(
    (await bench.take()).toSorted((x, y) => x.localeCompare(y)),
    ["/g < A", "/v < A", "open /g", "open /l", "open /v", "run /reader -x /v"],
  );
  bench.fifos.tell("lvs", "B\n", "state");
  assert.deepEqual(await bench.take(), ["/g < B", "/l < B"]);
});

test("a reload touches what changed only", async () => {
  const bench = new Bench();
  bench.fifos.configure(settings({ vrrp: at("/v", script("/r1")), lvs: at("/l") }));
  await bench.take();
  bench.fifos.configure(settings({ vrrp: at("/v", script("/r1")), lvs: at("/l") }));
  assert.deepEqual(await bench.take(), []);
  bench.fifos.configure(settings({ vrrp: at("/v", script("/r2")) }));
  assert.deepEqual(
    (await bench.take()).toSorted((x, y) => x.localeCompare(y)),
    ["end /r1 /v", "run /r2 /v"],
  );
  bench.fifos.tell("lvs", "the last server is gone\n", "state");
  bench.clock.advance(999);
  assert.deepEqual(await bench.take(), ["/l < the last server is gone"]);
  bench.clock.advance(1);
  assert.deepEqual(await bench.take(), ["close /l"], "a second later: what was removed is told first");
  const other = { name: "u", uid: 7, gid: 7 };
  bench.fifos.configure(settings({ vrrp: at("/v", script("/r2"), other) }));
  assert.deepEqual(
    await bench.take(),
    ["end /r2 /v", "close /v", "open /v", "run /r2 /v"],
    "removed before it is made anew",
  );
});

test("a reader that ends is named, and started again by the next reload, not before", async () => {
  const bench = new Bench();
  const both = settings({ vrrp: at("/v", script("/reader")) });
  bench.fifos.configure(both);
  await bench.take();
  bench.ends.get("/reader /v")?.({ kind: "exited", value: 3 });
  assert.match(
    bench.lines[0]?.sentence ?? "",
    /^vrrp notify fifo script terminated: vrrp_notify_fifo_script \/reader: it exited with status 3; the next reload/,
  );
  assert.deepEqual(await bench.take(), []);
  bench.fifos.configure(both);
  assert.deepEqual(await bench.take(), ["run /reader /v"]);
});

test("at the end readers see all lines, then the end of the pipe, and get their time", async () => {
  const bench = new Bench();
  bench.fifos.configure(settings({ vrrp: at("/v", script("/reader")) }));
  await bench.take();
  bench.fifos.tell("vrrp", "STOP\n", "state");
  let over = false;
  const stopped = bench.fifos.stop(ms(250)).then(() => {
    over = true;
  });
  assert.deepEqual(await bench.take(), ["/v < STOP", "close /v"]);
  assert.equal(over, false);
  bench.ends.get("/reader /v")?.({ kind: "exited", value: 0 });
  bench.clock.advance(10);
  await stopped;
  assert.deepEqual(bench.lines, []);
});

test("a pipe that cannot be opened for ever, on a disk that hangs, does not hold up the end", async () => {
  const clock = new ManualClock();
  const open: FifoOpener = () => new Promise(() => undefined);
  const fifos = new Fifos({ open, run: () => ({ end: () => undefined }), log: recordingLog().log, clock });
  fifos.configure(settings({ vrrp: at("/v") }));
  let over = false;
  const stopped = fifos.stop(ms(250)).then(() => {
    over = true;
  });
  for (let i = 0; i < 10 && !over; i++) {
    clock.advance(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(over);
  await stopped;
});
