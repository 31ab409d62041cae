import type { Clock } from "../clock.js";
import { DaemonError } from "../errors.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { IpvsBackend, Standing } from "./backend.js";

export interface KernelWatchDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly backend: Pick<IpvsBackend, "open" | "standing">;
  /** How the log calls the network namespace of the table. */
  readonly namespace: string;
  /** It has been opened anew, and what is in its table is unknown. */
  readonly onReopened: () => Promise<void>;
}

const LOOK_MS = 1000;
/** Where opening fails: each attempt may run modprobe. */
const LONGEST_WAIT_MS = 30_000;

/**
 * Follows IPVS when it goes and comes back under us, of which nobody tells: its module can be unloaded while the table is empty, and
 * a network namespace can be deleted and made again under its name.
 */
export class KernelWatch {
  readonly #deps: KernelWatchDeps;
  #timer: Disposable | undefined;
  #looking: Promise<void> | undefined;
  #stopped: boolean = false;
  #waitMs = LOOK_MS;
  /** The sentence of what is wrong that was logged last. */
  #said: string | undefined;

  constructor(deps: KernelWatchDeps) {
    this.#deps = deps;
  }

  /** From now on, until `stop`. */
  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#deps.clock.after(ms(this.#waitMs), () => {
      this.#looking = this.#look().finally(() => this.start());
    });
  }

  /** Resolves when nothing is opened any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const standing = await this.#deps.backend.standing();
    if (this.#stopped) return;
    if (standing === "unloaded" || standing === "moved") return this.#reopen(standing);
    this.#waitMs = LOOK_MS;
    if (standing === "nameless") this.#say("ipvs.namespace-gone", this.#namelessSentence());
    else this.#said = undefined;
  }

  async #reopen(standing: "unloaded" | "moved"): Promise<void> {
    const { backend, log, onReopened } = this.#deps;
    const what = this.#changeOf(standing);
    try {
      await backend.open();
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
      this.#say("ipvs.lost", `${what}: nothing is balanced: ${error.message}; looking again within 30 s`);
      return;
    }
    this.#waitMs = LOOK_MS;
    this.#said = undefined;
    log("warning", "ipvs.reopened", `${what}: it is open again, writing the whole table`);
    await onReopened();
  }

  /** Once, as long as it stays the same. */
  #say(event: string, sentence: string): void {
    if (sentence === this.#said) return;
    this.#said = sentence;
    this.#deps.log("error", event, sentence);
  }

  #changeOf(standing: Exclude<Standing, "good">): string {
    if (standing === "unloaded") return "IPVS: the module was unloaded from the kernel";
    return `IPVS: network namespace ${this.#deps.namespace} is another one than before`;
  }

  #namelessSentence(): string {
    const { namespace } = this.#deps;
    return `IPVS: network namespace ${namespace} has been deleted: what is still in it is served as before, and a new one of this name gets the whole table - 'ip netns add' makes it`;
  }
}
