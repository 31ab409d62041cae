import type { Clock } from "../main/clock.js";
import type { CheckConfig } from "../main/config/model.js";
import type { CheckId } from "../main/units.js";
import { LatencyRecorder } from "./latency.js";
import { initialState, type PolicyState, type RetryRules, rulesOf, startDelay, step, verdictOf } from "./policy.js";
import type { ProbeResult, Prober } from "./prober.js";
import type { CheckEdge, CheckSpec, FailedAttempt } from "./protocol.js";
import { Schedule } from "./schedule.js";

export interface RunnerDeps {
  readonly clock: Clock;
  readonly maxInFlight: number;
  /** The prober for a check; called once per attempt. */
  readonly proberOf: (check: CheckConfig) => Prober;
  readonly onEdge: (edge: CheckEdge) => void;
  readonly onFailedAttempt: (attempt: FailedAttempt) => void;
}

interface Running {
  readonly spec: CheckSpec;
  readonly rules: RetryRules;
  state: PolicyState;
  attempt: Disposable | undefined;
}

/** Runs a shard's checks: when (schedule), what (prober), what it means (policy). Knows no threads and no ports. */
export class CheckRunner implements Disposable {
  readonly #deps: RunnerDeps;
  readonly #schedule: Schedule;
  readonly #checks = new Map<CheckId, Running>();
  readonly #latency = new LatencyRecorder();
  #completed = 0;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#schedule = new Schedule(deps.clock, deps.maxInFlight, (id) => this.#begin(id));
  }

  get running(): number {
    return this.#checks.size;
  }

  /** Attempts that ended with a result, since the start. */
  get completed(): number {
    return this.#completed;
  }

  /** An id that is assigned already keeps its state: the same check was told twice. */
  assign(specs: readonly CheckSpec[]): void {
    const now = this.#deps.clock.now();
    for (const spec of specs) {
      if (this.#checks.has(spec.id)) continue;
      const { check, identity, known } = spec;
      this.#checks.set(spec.id, { spec, rules: rulesOf(check), state: initialState(known), attempt: undefined });
      this.#schedule.in(startDelay(identity, known, check.timing, now), spec.id);
    }
  }

  retract(ids: readonly CheckId[]): void {
    for (const id of ids) {
      const running = this.#checks.get(id);
      if (running === undefined) continue;
      this.#checks.delete(id);
      this.#latency.forget(id);
      this.#schedule.cancel(id);
      if (running.attempt === undefined) continue;
      running.attempt[Symbol.dispose]();
      this.#schedule.finished();
    }
  }

  latency(): ReturnType<LatencyRecorder["report"]> {
    return this.#latency.report();
  }

  #begin(id: CheckId): void {
    const running = this.#checks.get(id);
    if (running === undefined) {
      this.#schedule.finished();
      return;
    }
    const { check } = running.spec;
    running.attempt = this.#deps
      .proberOf(check)
      .probe(check, running.state.url, (result) => this.#ended(running, result));
  }

  #ended(running: Running, result: ProbeResult): void {
    const { spec, rules } = running;
    running.attempt = undefined;
    this.#completed++;
    if (result.outcome === "up") this.#latency.record(spec.check.type, spec.id, result.latency);
    const { state, edge, nextDelay } = step(rules, running.state, verdictOf(result.outcome));
    running.state = state;
    if (edge !== undefined) {
      const { outcome, latency, status } = result;
      this.#deps.onEdge({ id: spec.id, up: edge.up, outcome, retries: edge.retries, latency, status });
    } else if (worthALine(spec, result)) {
      this.#deps.onFailedAttempt({ id: spec.id, outcome: result.outcome, detail: result.detail });
    }
    this.#schedule.finished();
    this.#schedule.in(nextDelay, spec.id);
  }

  [Symbol.dispose](): void {
    this.retract([...this.#checks.keys()]);
    this.#schedule[Symbol.dispose]();
  }
}

/** An attempt that says nothing of the server is always told: nothing else shows that a check has gone blind. */
function worthALine(spec: CheckSpec, result: ProbeResult): boolean {
  return result.outcome === "no-resources" || (result.outcome !== "up" && spec.check.timing.logAllFailures);
}
