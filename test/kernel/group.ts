import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { type Need, needs } from "../harness/needs.js";
import { compiled } from "../harness/project.js";
import { runInUml, type UmlResult } from "../harness/uml.js";
import { resultsFile, type StepResult, UNUSABLE } from "./inner/results.js";

export interface Group {
  readonly name: string;
  /** Source of the program that runs in the guest, below test/kernel/inner/. */
  readonly program: string;
  /** Steps that it must report. */
  readonly steps: readonly string[];
  /** Boot included. */
  readonly timeoutMs: number;
  /** Beside what all need. */
  readonly also?: readonly Need[];
}

/** One boot of a User Mode Linux kernel per group; each step that the program in it reports is a test of its own. */
export function kernelGroup({ name, program, steps, timeoutMs, also = [] }: Group): void {
  const skip = needs("root", "native", "uml", "keepalived", "ipvsadm", "curl", ...also);
  describe(name, { skip }, () => {
    let dir = "";
    let outcome: UmlResult | undefined;
    let results: Readonly<Record<string, StepResult>> = {};

    before(
      async () => {
        dir = await mkdtemp(path.join(tmpdir(), "holdfast-uml-"));
        const argv = [process.execPath, "--enable-source-maps", compiled(`test/kernel/inner/${program}`)];
        outcome = await runInUml({ argv, resultsDir: dir, timeoutMs });
        if (outcome.exitCode === UNUSABLE) outcome = await runInUml({ argv, resultsDir: dir, timeoutMs });
        const text = await readFile(path.join(dir, resultsFile), "utf8").catch(() => "{}");
        results = JSON.parse(text) as Readonly<Record<string, StepResult>>;
      },
      { timeout: 2 * timeoutMs + 10_000 },
    );

    after(() => rm(dir, { recursive: true, force: true }));

    for (const step of steps) {
      test(step, (t) => {
        const result = results[step];
        assert.ok(result !== undefined, `the guest did not get to this step`);
        assert.ok(result.ok, result.detail);
        if (result.detail !== "") t.diagnostic(result.detail);
      });
    }

    test("the guest ends by itself", () => {
      assert.equal(outcome?.exitCode, 0, why(outcome));
    });
  });
}

function why(outcome: UmlResult | undefined): string {
  if (outcome === undefined) return "";
  const { timedOut, exitCode, output } = outcome;
  const end = timedOut ? "time limit" : `exit code ${exitCode ?? "unknown"}`;
  return `${end}; the end of its output:\n${output.slice(-3000)}`;
}
