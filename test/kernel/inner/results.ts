import { writeFileSync } from "node:fs";
import path from "node:path";
import { guestResults } from "../../harness/uml.js";

/** Exit code of a program whose reference is of no use: what it found says nothing of us. sysexits.h: EX_TEMPFAIL */
export const UNUSABLE = 75;

/** What one step inside the guest found; the outer test asserts it. */
export interface StepResult {
  readonly ok: boolean;
  /** For a failure: what was seen instead, with the logs that explain it. For a success: a number worth showing, or nothing. */
  readonly detail: string;
  readonly tookMs: number;
}

export const resultsFile = "results.json";

/** Collects the results of a group and writes them down after each step, so that a crash later loses none of them. */
export class Results {
  readonly #steps: Record<string, StepResult> = {};

  /** Runs one step. A failure is recorded and does not end the group. @returns true when it went well */
  async step(name: string, body: () => Promise<string | undefined> | string | undefined): Promise<boolean> {
    const start = performance.now();
    const result = await attempt(body);
    const tookMs = performance.now() - start;
    this.#steps[name] = { ...result, tookMs };
    writeFileSync(path.join(guestResults, resultsFile), JSON.stringify(this.#steps));
    console.log(
      `${result.ok ? "ok" : "FAILED"} ${name} in ${tookMs.toFixed(0)} ms${result.ok ? "" : `: ${result.detail}`}`,
    );
    return result.ok;
  }
}

async function attempt(
  body: () => Promise<string | undefined> | string | undefined,
): Promise<Omit<StepResult, "tookMs">> {
  try {
    return { ok: true, detail: (await body()) ?? "" };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
