import assert from "node:assert/strict";
import type { OnResults, ProbeCounters, ProbeEngine, ProbeSpec } from "../../native-bindings/probe.js";
import * as words from "../../native-bindings/probe-words.js";
import type { ProbeModule, RunnerDeps } from "../../workers/check-runner.js";
import { type Outcome, outcomes } from "../../workers/protocol.js";

/** What native-bindings/probe.ts has, without the add-on. */
export const probeWords: ProbeModule = { ...words, tlsErrorText: (code) => `OpenSSL error ${code}` };

/** For runners that run none. */
export const noScripts: RunnerDeps["scripts"] = {
  atMost: 1,
  environment: [],
  host: {
    spawn: () => assert.fail("no program is wanted"),
    descendantsOf: () => [],
    markedProcesses: () => [],
    signalMember: () => {},
    signalProcess: () => {},
    nextTurn: setImmediate,
  },
};

export interface ResultParts {
  readonly slot: number;
  readonly arming: number;
  readonly outcome: Outcome;
  readonly stage?: (typeof probeWords.stages)[number];
  readonly reason?: (typeof probeWords.reasons)[number];
  readonly url?: number;
  readonly detail?: number;
  readonly status?: number;
  readonly totalUs?: number;
  readonly md5?: string;
}

/** One result as native-bindings/probe/engine.h lays it out. */
export function resultOf(parts: ResultParts): Uint32Array<ArrayBuffer> {
  const { slot, arming, outcome, stage = "connect", reason = "none", url = 0 } = parts;
  const words = new Uint32Array(probeWords.resultWords);
  const numbers = [outcomes.indexOf(outcome), probeWords.stages.indexOf(stage), probeWords.reasons.indexOf(reason)];
  const packed = (numbers[0] ?? 0) | ((numbers[1] ?? 0) << 8) | ((numbers[2] ?? 0) << 12) | (url << 16);
  words.set([slot, arming, packed, parts.detail ?? 0, parts.status ?? 0, 0, 0, 0, parts.totalUs ?? 0]);
  if (parts.md5 !== undefined) Buffer.from(words.buffer, 36, 16).write(parts.md5, "hex");
  return words;
}

interface Armed {
  readonly arming: number;
  readonly delay: number;
  readonly url: number;
  readonly quiet: string | undefined;
}

/** An engine whose attempts end when the test says so. */
export class FakeEngine implements ProbeEngine {
  readonly specs = new Map<number, ProbeSpec>();
  readonly armed = new Map<number, Armed>();
  readonly grouped: (readonly [slot: number, groups: readonly number[]])[] = [];
  readonly #onResults: OnResults;
  /** What `add` throws, if anything. */
  refuse: string | undefined;
  completed = 0;
  closed = 0;
  counts = new Uint32Array(0);
  latest = new Uint32Array(0);

  constructor(onResults: OnResults) {
    this.#onResults = onResults;
  }

  /** Uses the lowest free slot again, as the real one may. */
  add(spec: ProbeSpec): number {
    if (this.refuse !== undefined) throw new Error(this.refuse);
    let slot = 0;
    while (this.specs.has(slot)) slot++;
    this.specs.set(slot, spec);
    return slot;
  }

  remove(slot: number): void {
    assert.ok(this.specs.delete(slot), `no slot ${slot}`);
    this.armed.delete(slot);
  }

  arm(slot: number, arming: number, delay: number, url: number, quiet: number): void {
    assert.ok(this.specs.has(slot), `no slot ${slot}`);
    this.armed.set(slot, { arming, delay, url, quiet: probeWords.quietness[quiet] });
  }

  setGroups(slot: number, groups: readonly number[]): void {
    this.grouped.push([slot, groups]);
  }

  counters(): ProbeCounters {
    return { completed: this.completed, passed: 0, inFlight: 0, queued: 0, noResources: 0 };
  }

  last(): Uint32Array<ArrayBuffer> {
    return this.latest;
  }

  untilDue(slot: number): number {
    return this.armed.get(slot)?.delay ?? 0;
  }

  latency(): Uint32Array<ArrayBuffer> {
    return this.counts;
  }

  close(): void {
    this.closed++;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Hands over how the attempt of a slot ended; it rests until it is armed again. @returns how it was armed */
  answer(slot: number, outcome: Outcome, over: Partial<ResultParts> = {}): Armed {
    const armed = this.armed.get(slot);
    assert.ok(armed, `slot ${slot} is not armed`);
    this.armed.delete(slot);
    this.completed++;
    this.tell(resultOf({ slot, arming: armed.arming, url: armed.url, outcome, totalUs: 2000, ...over }));
    return armed;
  }

  tell(results: Uint32Array<ArrayBuffer>): void {
    this.#onResults(results, results.length / probeWords.resultWords);
  }
}
