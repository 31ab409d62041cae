import type { ConnectingCheckConfig } from "../../main/config/model.js";
import * as probe from "../../native-bindings/probe.js";
import { rulesOf } from "../../workers/policy.js";
import { failureText, type ProbeResult, readResult } from "../../workers/probe-result.js";
import { probeKindOf, probeSpec } from "../../workers/probe-spec.js";

export interface LiveResult extends ProbeResult {
  /** See `FailedAttempt.detail`. */
  readonly text: string;
}

interface Attempt {
  readonly check: ConnectingCheckConfig;
  readonly done: (result: LiveResult) => void;
}

/** Single attempts with the real engine. */
export class LiveProbe implements Disposable {
  readonly #attempts = new Map<number, Attempt>();
  readonly engine = probe.openProbeEngine({ inFlight: 1000, inFlightPerHost: 0 }, (results, count) => {
    for (let i = 0; i < count; i++) this.#ended(readResult(results, i * probe.resultWords, probe));
  });

  once(check: ConnectingCheckConfig, url = 0): Promise<LiveResult> {
    return new Promise((done) => {
      const slot = this.engine.add(probeSpec(check, rulesOf(check), []));
      this.#attempts.set(slot, { check, done });
      this.engine.arm(slot, 1, 0, url, probe.quietness.indexOf("nothing"));
    });
  }

  #ended(result: ProbeResult): void {
    const attempt = this.#attempts.get(result.slot);
    if (attempt === undefined) throw new Error(`result for slot ${result.slot}, which has no attempt`);
    this.#attempts.delete(result.slot);
    this.engine.remove(result.slot);
    attempt.done({ ...result, text: failureText(probeKindOf(attempt.check), result, probe) });
  }

  [Symbol.dispose](): void {
    this.engine.close();
  }
}

/** What a test compares: latency is looked at by itself. */
export const short = ({ outcome, status, text }: LiveResult): string => `${outcome} ${status} ${text}`.trimEnd();
