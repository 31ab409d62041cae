import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { checkId, ms } from "../../main/units.js";
import { spawnScript } from "../../native-bindings/process.js";
import { loopClock } from "../../workers/loop-clock.js";
import { descendantsOf, markedProcesses, signalMember, signalProcess } from "../../workers/process-family.js";
import { ScriptProber, type ScriptResult } from "../../workers/script-prober.js";
import { until } from "../harness/until.js";
import { miscCheck } from "../unit/health-fixtures.js";

const host = { descendantsOf, markedProcesses, signalMember, signalProcess, nextTurn: setImmediate };
const environment = ["PATH=/usr/bin:/bin"];

/** A prober of programs, with a folder for them. */
export class ScriptStand {
  readonly dir = mkdtempSync(path.join(tmpdir(), "misc-"));
  readonly results: ScriptResult[] = [];
  /** Command lines in the order in which they were started; in which order they run, and end, the kernel decides. */
  readonly started: (readonly string[])[] = [];
  readonly prober: ScriptProber;

  constructor(t: TestContext, atMost = 10) {
    chmodSync(this.dir, 0o755);
    const spawn: typeof spawnScript = (script, ...callbacks) => {
      this.started.push(script.argv);
      return spawnScript(script, ...callbacks);
    };
    this.prober = new ScriptProber({
      clock: loopClock,
      host: { ...host, spawn },
      atMost,
      environment,
      onResult: (result) => this.results.push(result),
    });
    t.after(() => {
      this.prober[Symbol.dispose]();
      rmSync(this.dir, { recursive: true });
    });
  }

  script(name: string, text: string, mode = 0o755): string {
    const file = path.join(this.dir, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  async once(check: Parameters<typeof miscCheck>[0], number = 1): Promise<ScriptResult> {
    const id = checkId(number);
    const before = this.results.length;
    this.prober.add(id, miscCheck(check), []);
    this.prober.arm(id, 1, ms(0));
    await until("a result", 40_000, () => this.results.length > before);
    return this.results.at(-1) ?? assert.fail("no result");
  }
}

export const alive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
};
