import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import type { Clock } from "../main/clock.js";
import type { CheckConfig } from "../main/config/model.js";
import type { CheckId, Milliseconds } from "../main/units.js";
import type { OnExit, OnNotStarted, ScriptOptions, ScriptProcess } from "../native-bindings/process.js";
import { LatencyCounter } from "./latency-counter.js";
import { type FamilyMember, type MarkedProcess, RUN_MARK } from "./process-family.js";
import { type AskedGroup, latencyKinds, type Outcome, type ScriptLimits, type ScriptsWaiting } from "./protocol.js";
import { type HuntHost, StrayHunt } from "./stray-hunt.js";

export type MiscCheck = Extract<CheckConfig, { type: "MISC_CHECK" }>;

/** The host's processes: native-bindings/process.ts and process-family.ts in production. */
export interface ScriptHost extends HuntHost {
  /** @throws system error */
  readonly spawn: (options: ScriptOptions, onExit: OnExit, onNotStarted: OnNotStarted) => ScriptProcess;
  readonly descendantsOf: (pid: number) => readonly FamilyMember[];
  readonly signalMember: (member: FamilyMember, signal: number) => void;
  readonly signalProcess: (pid: number, signal: number) => void;
  /** In the next turn of the loop, when others have had theirs. */
  readonly nextTurn: (fn: () => void) => void;
}

/** What one run found. `status`: its exit status, the signal or the errno, by `outcome`. */
export interface ScriptResult {
  readonly id: CheckId;
  readonly arming: number;
  readonly outcome: Outcome;
  readonly status: number;
  readonly latency: Milliseconds;
}

export interface ScriptDeps extends ScriptLimits {
  readonly clock: Clock;
  readonly host: ScriptHost;
  /** Never from inside a method. */
  readonly onResult: (result: ScriptResult) => void;
}

const { SIGTERM, SIGKILL } = constants.signals;
const KILL_AFTER = 2000 as Milliseconds;
/** For what hangs in the kernel. */
const KILL_AGAIN_AFTER = 10_000 as Milliseconds;

interface Script {
  readonly id: CheckId;
  readonly check: MiscCheck;
  groups: readonly number[];
  arming: number;
  dueAt: Milliseconds;
  due: Disposable | undefined;
  run: Run | undefined;
  /** Of the latest run. Undefined: it never ran. */
  startedAt: Milliseconds | undefined;
  lastPass: Milliseconds | undefined;
}

/** One process, from its start to its end; the check may have been given up meanwhile. */
interface Run {
  readonly script: Script;
  readonly arming: number;
  /** In its environment. */
  readonly mark: string;
  readonly startedAt: Milliseconds;
  process: ScriptProcess | undefined;
  timer: Disposable | undefined;
  at: "running" | "ending" | "told";
  /** The next run is due. */
  isAwaited: boolean;
  /** When it is to end: what it has started, in whichever group. */
  family: readonly FamilyMember[];
}

/**
 * Runs the programs of MISC_CHECK, as the probe engine makes connections: a result for each arming. A program is started again from
 * its last start on, one at a time for each check, so slow ones do not pile up; all together are bounded, and what is due beyond that
 * waits in order. A turn of the loop starts one: others have checks to make.
 */
export class ScriptProber implements Disposable {
  readonly #deps: ScriptDeps;
  readonly #scripts = new Map<CheckId, Script>();
  readonly #queue = new Set<Script>();
  readonly #runs = new Set<Run>();
  readonly #latencies = new LatencyCounter(latencyKinds.indexOf("MISC_CHECK"));
  readonly #hunt: StrayHunt;
  /** Of another daemon on this host, or in a container that it sees, nobody has the same. */
  readonly #ownMark = randomUUID();
  #started = 0;
  #pump: "idle" | "waiting" | "closed" = "idle";
  completed = 0;

  constructor(deps: ScriptDeps) {
    this.#deps = deps;
    this.#hunt = new StrayHunt(deps.host);
  }

  /** Processes there are, with those that are told to end. */
  get running(): number {
    return this.#runs.size;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Those that are kept from running by the others; a queue that is being worked off is none. */
  get waiting(): ScriptsWaiting {
    const [first] = this.#queue;
    if (first === undefined || this.#runs.size < this.#deps.atMost) return { checks: 0, longest: 0 as Milliseconds };
    return { checks: this.#queue.size, longest: (this.#deps.clock.now() - first.dueAt) as Milliseconds };
  }

  add(id: CheckId, check: MiscCheck, groups: readonly number[]): void {
    const now = this.#deps.clock.now();
    this.#latencies.regroup([], groups);
    this.#scripts.set(id, {
      id,
      check,
      groups,
      arming: 0,
      dueAt: now,
      due: undefined,
      run: undefined,
      startedAt: undefined,
      lastPass: undefined,
    });
  }

  /** A program that runs is ended; its result is not wanted any more. */
  remove(id: CheckId): void {
    const script = this.#scripts.get(id);
    if (script === undefined) return;
    this.#scripts.delete(id);
    this.#latencies.regroup(script.groups, []);
    this.#queue.delete(script);
    script.due?.[Symbol.dispose]();
    if (script.run?.at === "running") this.#end(script.run);
  }

  setGroups(id: CheckId, groups: readonly number[]): void {
    const script = this.#scripts.get(id);
    if (script === undefined) return;
    this.#latencies.regroup(script.groups, groups);
    script.groups = groups;
  }

  /** The next run, `delay` from the start of the last one; from now when there was none. `arming` comes back with its result. */
  arm(id: CheckId, arming: number, delay: Milliseconds): void {
    const script = this.#scripts.get(id);
    if (script === undefined) return;
    const now = this.#deps.clock.now();
    const at = Math.max(now, (script.startedAt ?? now) + delay);
    script.arming = arming;
    script.dueAt = at as Milliseconds;
    script.due?.[Symbol.dispose]();
    script.due = this.#deps.clock.after((at - now) as Milliseconds, () => this.#enqueue(script));
  }

  /** Milliseconds until the next run; 0: it is due, or runs. */
  untilDue(id: CheckId): number {
    const script = this.#scripts.get(id);
    if (script === undefined || script.run !== undefined) return 0;
    return Math.max(0, script.dueAt - this.#deps.clock.now());
  }

  /** (id, µs) of the last run of each check that passed. */
  *last(): Generator<number> {
    for (const { id, lastPass } of this.#scripts.values())
      if (lastPass !== undefined) yield* [id, Math.round(lastPass * 1000)];
  }

  /** See latency-words.ts. */
  latency(group: AskedGroup): readonly number[] {
    return this.#latencies.words(group);
  }

  #enqueue(script: Script): void {
    script.due = undefined;
    if (script.run !== undefined) {
      script.run.isAwaited = true; // it does not even die of SIGKILL: its turn comes when it has
      return;
    }
    this.#queue.add(script);
    this.#startNext();
  }

  #startNext(): void {
    if (this.#pump !== "idle" || this.#queue.size === 0 || this.#runs.size >= this.#deps.atMost) return;
    this.#pump = "waiting";
    this.#deps.host.nextTurn(() => {
      if (this.#pump === "closed") return;
      this.#pump = "idle";
      const [script] = this.#queue;
      if (script !== undefined && this.#runs.size < this.#deps.atMost) this.#start(script);
      this.#startNext();
    });
  }

  #start(script: Script): void {
    this.#queue.delete(script);
    const { clock } = this.#deps;
    const startedAt = clock.now();
    this.#latencies.count(script.groups, "lateness", (startedAt - script.dueAt) as Milliseconds);
    script.startedAt = startedAt;
    const { arming, check } = script;
    const run: Run = {
      script,
      arming,
      mark: `${this.#ownMark}-${this.#started++}`,
      startedAt,
      process: undefined,
      timer: undefined,
      at: "running",
      isAwaited: false,
      family: [],
    };
    script.run = run;
    this.#runs.add(run);
    const { argv, user } = check.command;
    const env = [...this.#deps.environment, `${RUN_MARK}=${run.mark}`];
    const options = { argv, env, uid: user.uid, gid: user.gid, groups: user.groups ?? [] };
    try {
      run.process = this.#deps.host.spawn(
        options,
        (status, signal) => this.#onExit(run, status, signal),
        (errno, syscall) => this.#onNotStarted(run, errno, syscall),
      );
    } catch (error) {
      this.#onNotStarted(run, ...systemError(error));
      return;
    }
    run.timer = clock.after(check.timeout, () => this.#end(run));
  }

  /** Its time is over, or nobody wants it any more. */
  #end(run: Run): void {
    run.at = "ending";
    this.#signal(run, SIGTERM);
    run.timer?.[Symbol.dispose]();
    run.timer = this.#deps.clock.after(KILL_AFTER, () => this.#kill(run));
  }

  /** A process that waits for a dead disk does not even die of this. Its server need not wait for that. */
  #kill(run: Run): void {
    this.#signal(run, SIGKILL);
    run.timer = this.#deps.clock.after(KILL_AGAIN_AFTER, () => this.#kill(run));
    if (run.at === "told") return;
    run.at = "told";
    this.#tell(run, "timeout", 0);
  }

  #signal(run: Run, signal: number): void {
    const { host } = this.#deps;
    const pid = run.process?.pid;
    // While its parents live they can be found; later only what was found before.
    const descendants = pid === undefined ? [] : host.descendantsOf(pid);
    const family = new Map([...run.family, ...descendants].map((member) => [member.pid, member]));
    run.family = [...family.values()];
    run.process?.killGroup(signal);
    for (const member of run.family) host.signalMember(member, signal);
    this.#hunt.want(run.mark, (stray) => this.#onStray(run, stray, signal));
  }

  /** Who has had the signal already may take another one for a second wish. */
  #onStray(run: Run, stray: MarkedProcess, signal: number): void {
    const isKnown = stray.group === run.process?.pid || run.family.some(({ pid }) => pid === stray.pid);
    if (isKnown && signal !== SIGKILL) return;
    if (!isKnown) run.family = [...run.family, stray];
    this.#deps.host.signalMember(stray, signal);
  }

  #onExit(run: Run, status: number, signal: number): void {
    const { process, at } = run;
    // The leader is gone, but what it started may not have obeyed. A group's number is not given away while it has members.
    if (at !== "running" && process?.pid !== undefined) {
      this.#deps.host.signalProcess(-process.pid, SIGKILL);
      for (const member of run.family) this.#deps.host.signalMember(member, SIGKILL);
      this.#hunt.want(run.mark, (stray) => this.#onStray(run, stray, SIGKILL));
    }
    this.#over(run);
    const { script } = run;
    if (at === "told") this.#goOn(run);
    else if (at === "ending") this.#tell(run, "timeout", 0);
    else if (signal >= 0) this.#tell(run, "signal", signal);
    else this.#tell(run, isPass(script.check, status) ? "up" : "exit-status", status);
    this.#startNext();
  }

  #onNotStarted(run: Run, errno: number, syscall: string): void {
    this.#over(run);
    if (run.at === "told") this.#goOn(run);
    else this.#tell(run, isOwnFault(errno, syscall) ? "not-started" : "no-resources", errno);
    this.#startNext();
  }

  /** Its server knows already; at last the next run can begin. */
  #goOn({ script, isAwaited }: Run): void {
    if (isAwaited && this.#scripts.get(script.id) === script) this.#enqueue(script);
  }

  #over(run: Run): void {
    run.timer?.[Symbol.dispose]();
    this.#runs.delete(run);
    run.script.run = undefined;
  }

  #tell(run: Run, outcome: Outcome, status: number): void {
    const { script, arming, startedAt } = run;
    if (this.#scripts.get(script.id) !== script) return;
    const latency = (this.#deps.clock.now() - startedAt) as Milliseconds;
    this.completed++;
    if (outcome === "up") {
      script.lastPass = latency;
      this.#latencies.count(script.groups, "total", latency);
    }
    this.#deps.onResult({ id: script.id, arming, outcome, status, latency });
  }

  /** The thread ends next, and SIGKILL follows with it (script_process.cc). */
  [Symbol.dispose](): void {
    this.#pump = "closed";
    this.#hunt[Symbol.dispose]();
    for (const id of [...this.#scripts.keys()]) this.remove(id);
    for (const { timer, process } of this.#runs) {
      timer?.[Symbol.dispose]();
      process?.close();
    }
    this.#runs.clear();
  }
}

/** keepalived.conf(5): 0 passes, and with misc_dynamic all but 1. */
const isPass = ({ dynamic }: MiscCheck, status: number): boolean => status === 0 || (dynamic && status !== 1);

/** Whose file it is that does not run: the checked one's, or ours, who have no process or descriptor left. */
function isOwnFault(errno: number, syscall: string): boolean {
  const { ENOMEM, EAGAIN, EMFILE, ENFILE } = constants.errno;
  return syscall === "execve" && ![ENOMEM, EAGAIN, EMFILE, ENFILE].includes(errno);
}

/** Positive errno and system call. Anything else is a bug and goes on. */
function systemError(error: unknown): [errno: number, syscall: string] {
  if (!(error instanceof Error) || !("syscall" in error)) throw error;
  const errno = "errno" in error && typeof error.errno === "number" ? Math.abs(error.errno) : constants.errno.EIO;
  return [errno, String(error.syscall)];
}
