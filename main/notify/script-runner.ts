import { constants } from "node:os";
import type { OnExit, OnNotStarted, ScriptOptions, ScriptProcess } from "../../native-bindings/process.js";
import type { Clock } from "../clock.js";
import type { ScriptCommand } from "../config/model.js";
import { type Milliseconds, ms } from "../units.js";
import type { ScriptResult, ScriptRunner } from "../vrrp/ports.js";

/** `spawnScript` of native-bindings/process.ts. @throws system error */
export type Spawn = (options: ScriptOptions, onExit: OnExit, onNotStarted: OnNotStarted) => ScriptProcess;

export interface ScriptHost {
  readonly spawn: Spawn;
  /** kill(2) of a process group whose leader has been collected already, which `ScriptProcess.killGroup` no longer can. */
  readonly killGroup: (pid: number, signal: number) => void;
  /** See `scriptEnvironment`. */
  readonly env: readonly string[];
}

const { SIGTERM, SIGKILL } = constants.signals;
/** keepalived: SIGTERM to the group, then SIGKILL, then SIGKILL again for what hangs in the kernel. */
const KILL_AFTER = ms(2000);
const KILL_AGAIN_AFTER = ms(10_000);
/** At the daemon's end a script gets this long between SIGTERM and SIGKILL. */
const STOP_GRACE = ms(1000);

interface Running {
  readonly done: (result: ScriptResult) => void;
  process: ScriptProcess | undefined;
  timer: Disposable | undefined;
  timedOut: boolean;
}

/** A script that has no end of its own, such as the reader of a pipe. */
export interface RunningScript {
  /** Undefined while there is no process. */
  readonly pid?: number | undefined;
  /** SIGTERM to its group, then SIGKILL, as when its time is over. Nothing when it has ended. */
  end(): void;
}

/** Starts scripts as other users and ends those that take too long. It never waits: results come back through `done`. */
export class HostScriptRunner implements ScriptRunner {
  readonly #host: ScriptHost;
  readonly #clock: Clock;
  readonly #running = new Set<Running>();
  #whenIdle: (() => void) | undefined;

  constructor(host: ScriptHost, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  get running(): number {
    return this.#running.size;
  }

  run(
    { argv, user }: ScriptCommand,
    extraArgs: readonly string[],
    timeout: Milliseconds,
    done: (result: ScriptResult) => void,
  ): RunningScript {
    const [file, ...args] = argv;
    const options: ScriptOptions = {
      argv: [file, ...args, ...extraArgs],
      env: this.#host.env,
      uid: user.uid,
      gid: user.gid,
      groups: user.groups ?? [],
    };
    const script: Running = { done, process: undefined, timer: undefined, timedOut: false };
    this.#running.add(script);
    try {
      script.process = this.#host.spawn(
        options,
        (status, signal) => this.#onExit(script, status, signal),
        (value) => this.#finish(script, { kind: "not-started", value }),
      );
      if (timeout > 0) script.timer = this.#clock.after(timeout, () => this.#onTimeout(script));
    } catch (error) {
      // In a later turn like every other result, so that callers need not be re-entrant.
      const value = errnoOf(error);
      queueMicrotask(() => this.#finish(script, { kind: "not-started", value }));
    }
    return {
      get pid() {
        return script.process?.pid;
      },
      end: () => this.#end(script),
    };
  }

  /** Ends all scripts: SIGTERM, then SIGKILL. Resolves when none is left, or a second later at the latest. */
  async stop(): Promise<void> {
    for (const script of this.#running) script.process?.killGroup(SIGTERM);
    await this.#idleWithin(STOP_GRACE);
    for (const script of this.#running) script.process?.killGroup(SIGKILL);
    await this.#idleWithin(STOP_GRACE);
  }

  #idleWithin(limit: Milliseconds): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(limit, resolve);
      this.#whenIdle = (): void => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
  }

  #end(script: Running): void {
    if (this.#running.has(script) && !script.timedOut) this.#onTimeout(script);
  }

  #onTimeout(script: Running): void {
    script.timedOut = true;
    script.timer?.[Symbol.dispose](); // it may be ended before its time is over
    script.process?.killGroup(SIGTERM);
    script.timer = this.#clock.after(KILL_AFTER, () => this.#kill(script));
  }

  /** SIGKILL can take long to be obeyed: a process that waits for a dead disk or NFS server does not even die. */
  #kill(script: Running): void {
    script.process?.killGroup(SIGKILL);
    script.timer = this.#clock.after(KILL_AGAIN_AFTER, () => this.#kill(script));
  }

  #onExit(script: Running, status: number, signal: number): void {
    // The leader obeyed SIGTERM, but what it started may not have. The number of a group is not given away while it has
    // members; should it have none, then nobody else has got its number within the microseconds since the leader's end.
    const pid = script.process?.pid;
    if (script.timedOut && pid !== undefined) this.#host.killGroup(pid, SIGKILL);
    const value = status >= 0 ? status : signal;
    if (script.timedOut) this.#finish(script, { kind: "timed-out", value });
    else this.#finish(script, { kind: status >= 0 ? "exited" : "signalled", value });
  }

  #finish(script: Running, result: ScriptResult): void {
    if (!this.#running.delete(script)) return;
    script.timer?.[Symbol.dispose]();
    if (this.#running.size === 0) this.#whenIdle?.();
    script.done(result);
  }
}

/** Positive errno of a system error; EIO for one that has none. Anything else is a bug and goes on. */
function errnoOf(error: unknown): number {
  if (!(error instanceof Error) || !("syscall" in error)) throw error;
  return "errno" in error && typeof error.errno === "number" ? Math.abs(error.errno) : constants.errno.EIO;
}
