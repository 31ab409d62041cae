import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { nextTurn } from "../turn.js";
import { ms } from "../units.js";
import type { OperationVerdict } from "./operation.js";
import type { SettingsBackend } from "./settings-backend.js";
import type { SettingsMemory } from "./settings-memory.js";
import { planSync, type SyncDaemon, type SyncRole, type SyncStep, sameWish } from "./sync-daemon.js";

export interface SyncKeeperOptions {
  readonly backend: SettingsBackend;
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: SettingsMemory;
  /** The roles that are to run: asked in a turn of its own, when whoever said `changed` has finished. */
  readonly wanted: () => readonly SyncDaemon[];
  /** Asked anew each time: whether what others change is to be noticed. */
  readonly watches: () => boolean;
}

/** The kernel tells nobody that a daemon was stopped. */
const LOOK_MS = 5_000;
const LONGEST_LOOK_MS = 600_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** Plans in a row for daemons that others start and stop at the same time. */
const PLANS = 3;

const ENOENT = 2;
const ESRCH = 3;
const EEXIST = 17;

type Result = "well" | "repaired" | "failed";

/** Keeps those sync daemons running that are wanted: compares with the kernel, starts and stops, tries again. */
export class SyncKeeper {
  readonly #options: SyncKeeperOptions;
  #wanted: readonly SyncDaemon[] = [];
  readonly #started = new Map<SyncRole, SyncDaemon>();
  /** The sentence that was logged about a role that cannot be started. */
  readonly #failing = new Map<SyncRole, string>();
  #unreadable: boolean = false;
  /** Until the next look, by what the last one found. */
  #delays: Record<Result, number> = { well: LOOK_MS, repaired: LOOK_MS, failed: FIRST_RETRY_MS };
  #timer: Disposable | undefined;
  #running: Promise<void> | undefined;
  #phase: "idle" | "changed" | "stopped" = "idle";

  constructor(options: SyncKeeperOptions) {
    this.#options = options;
  }

  /** What is wanted may be another than before. */
  changed(): void {
    if (this.#phase === "stopped") return;
    this.#phase = "changed";
    this.#running ??= this.#run();
  }

  /** With `release` what is ours is stopped; without, it goes on. */
  async stop(release: boolean): Promise<void> {
    this.#phase = "stopped";
    this.#timer?.[Symbol.dispose]();
    await this.#running;
    if (!release) return;
    this.#wanted = [];
    await this.#bring();
  }

  async #run(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    let result: Result = "well";
    while (this.#isChanged()) {
      await nextTurn();
      if (!this.#isChanged()) break; // stopped meanwhile
      this.#phase = "idle";
      this.#wanted = this.#options.wanted();
      result = await this.#bring();
    }
    this.#running = undefined;
    this.#lookAgain(result);
  }

  #isChanged(): boolean {
    return this.#phase === "changed";
  }

  #lookAgain(result: Result): void {
    if (this.#phase === "stopped") return;
    const { clock, watches } = this.#options;
    const delay = this.#delays[result];
    this.#delays = {
      well: LOOK_MS,
      failed: result === "failed" ? Math.min(delay * 2, LONGEST_RETRY_MS) : FIRST_RETRY_MS,
      repaired: result === "repaired" ? Math.min(delay * 2, LONGEST_LOOK_MS) : LOOK_MS, // somebody else manages it too
    };
    if (result !== "failed" && (this.#wanted.length === 0 || !watches())) return;
    this.#timer = clock.after(ms(delay), () => this.changed());
  }

  /** One comparison with the kernel, and what follows from it. */
  async #bring(): Promise<Result> {
    let result: Result = "well";
    const before = new Map(this.#started);
    for (let plan = 0; plan < PLANS && result !== "failed"; plan++) {
      const reading = await this.#options.backend.daemons();
      if (reading.kind === "unread") return this.#cannotRead(reading.why);
      this.#unreadable = false;
      const steps = planSync(this.#wanted, reading.value, (role) => this.#isOurs(role), this.#started);
      this.#adopt();
      if (steps.length === 0) return result;
      for (const step of steps) {
        const known = step.do === "start" ? before.get(step.daemon.role) : undefined;
        const vanished = known !== undefined && step.do === "start" && sameWish(known, step.daemon);
        const outcome = this.#settle(step, await this.#options.backend.apply(step), vanished);
        if (outcome === "failed") result = "failed";
        else if (vanished && result === "well") result = "repaired";
      }
    }
    return result;
  }

  /** What runs as it is wanted counts as started by us. */
  #adopt(): void {
    for (const daemon of this.#wanted) if (!this.#isOurs(daemon.role)) this.#options.memory.set(nameOf(daemon.role), 1);
  }

  #isOurs(role: SyncRole): boolean {
    return this.#options.memory.get(nameOf(role)) !== undefined;
  }

  #settle(step: SyncStep, verdict: OperationVerdict, vanished: boolean): "done" | "again" | "failed" {
    return step.do === "stop" ? this.#stopped(step.role, verdict) : this.#startedOne(step.daemon, verdict, vanished);
  }

  #stopped(role: SyncRole, { errno, reason }: OperationVerdict): "done" | "failed" {
    if (errno !== 0 && errno !== ESRCH && errno !== ENOENT) {
      this.#fail(role, `IPVS sync daemon (${role}) cannot be stopped: errno ${errno} ${reason}`.trimEnd());
      return "failed";
    }
    this.#started.delete(role);
    this.#failing.delete(role);
    if (!this.#wanted.some((daemon) => daemon.role === role)) this.#options.memory.delete(nameOf(role));
    this.#options.log("info", "ipvs.sync-stopped", `IPVS sync daemon (${role}) stopped`, { role });
    return "done";
  }

  #startedOne(daemon: SyncDaemon, verdict: OperationVerdict, vanished: boolean): "done" | "again" | "failed" {
    const { role, interface: device, id } = daemon;
    const { log } = this.#options;
    if (verdict.errno === EEXIST) return "again"; // somebody else was faster
    if (verdict.errno !== 0) {
      this.#fail(role, `${refusal(daemon, verdict)}; trying again`);
      return "failed";
    }
    this.#started.set(role, daemon);
    this.#failing.delete(role);
    if (vanished) {
      const sentence = `IPVS sync daemon (${role}) on ${device} was stopped or changed by somebody else, started again`;
      log("warning", "ipvs.sync-repaired", sentence, { role });
    } else log("notice", "ipvs.sync-started", `IPVS sync daemon (${role}) runs on ${device}, id ${id}`, { role });
    return "done";
  }

  #fail(role: SyncRole, sentence: string): void {
    if (this.#failing.get(role) !== sentence) this.#options.log("error", "ipvs.sync-failed", sentence, { role });
    this.#failing.set(role, sentence);
  }

  #cannotRead(why: string): "failed" {
    if (!this.#unreadable)
      this.#options.log("error", "ipvs.sync-failed", `IPVS sync daemons cannot be read (${why}); trying again`);
    this.#unreadable = true;
    return "failed";
  }
}

const nameOf = (role: SyncRole): string => `sync ${role}`;

function refusal({ role, interface: device, group, port }: SyncDaemon, { errno, reason }: OperationVerdict): string {
  return `IPVS sync daemon (${role}) cannot be started: ${reason || why()} (errno ${errno})`;
  function why(): string {
    switch (errno) {
      case 1:
        return "CAP_NET_ADMIN is missing";
      case 19:
        return `there is no interface ${device}`;
      case 22:
        return `the kernel refuses lvs_sync_daemon as it is, or a service has real servers of the other family, which exclude it`;
      case 97:
      case 99:
        return `interface ${device} has no address of the family of group ${group}`;
      case 98:
        return `port ${port} of group ${group} is in use`;
      default:
        return `the kernel refuses it on interface ${device}`;
    }
  }
}
