import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { PidFileWatch } from "../../main/control/pid-file-watch.js";
import type { PidFileVerdict } from "../../main/control/signals.js";
import { DaemonError } from "../../main/errors.js";
import { until } from "../harness/until.js";

test("a pid file that somebody deletes is asked for again; one that never was, or is given up, is not", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-pid-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const [path, never] = [join(dir, "a.pid"), join(dir, "never.pid")];
  const asked: string[] = [];
  const said: string[] = [];
  let verdict: PidFileVerdict = { kind: "ok" };
  let givesThemUp = false;
  writeFileSync(path, "1\n");
  using _watch = new PidFileWatch(
    {
      files: [path, never].map((one) => ({ path: one, option: "--pid" })),
      supervisor: {
        pidFile: (one) => {
          asked.push(one);
          if (verdict.kind === "ok") writeFileSync(one, "1\n");
          return Promise.resolve(verdict);
        },
      },
      log: Object.assign((_level: string, _event: string, sentence: string) => void said.push(sentence), {
        detail: false,
      }),
      givesThemUp: () => givesThemUp,
    },
    10,
  );
  /** So many turns of the loop, and the answers of the disk in them, however long the machine is away in one. */
  const looks = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await setTimeout(15);
  };
  await looks();
  rmSync(path);
  await until("it is asked for again", 5000, () => said.length > 0);
  assert.deepEqual([asked.splice(0), said.splice(0)], [[path], [`Pid file ${path} was deleted: made again`]]);

  await looks();
  verdict = { kind: "busy", pid: 7 };
  rmSync(path);
  await until("it is asked for more than once", 5000, () => asked.length > 2);
  assert.equal(said.splice(0).length, 1);

  givesThemUp = true;
  await looks();
  asked.length = 0;
  await looks();
  assert.deepEqual([asked, said], [[], []]);
});

/** A watch over one file that is deleted, and how often the launcher was asked for it. */
async function deleted(t: TestContext, answer: () => Promise<PidFileVerdict>) {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-pid-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "a.pid");
  let asked = 0;
  const pidFile = (): Promise<PidFileVerdict> => {
    asked += 1;
    return answer();
  };
  const said: string[] = [];
  const log = Object.assign((_level: string, _event: string, sentence: string) => void said.push(sentence), {
    detail: false,
  });
  const files = [{ path, option: "--pid" }];
  const watch = new PidFileWatch({ files, supervisor: { pidFile }, log, givesThemUp: () => false }, 20);
  t.after(() => watch[Symbol.dispose]());
  for (let i = 0; i < 100 && asked === 0; i++) {
    writeFileSync(path, "1\n");
    await setTimeout(40);
    rmSync(path);
    await setTimeout(40);
  }
  await setTimeout(100);
  return { asked, said };
}

test("a launcher that does not answer is asked once", async (t) => {
  assert.deepEqual(await deleted(t, () => new Promise(() => undefined)), { asked: 1, said: [] });
});

test("a launcher that has ended while it was asked is no fault of the program", async (t) => {
  const gone = (): Promise<never> => Promise.reject(new DaemonError("E_LAUNCHER", "No answer from the launcher"));
  assert.deepEqual((await deleted(t, gone)).said, []);
});
