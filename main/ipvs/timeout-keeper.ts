import type { Log } from "../observe/log.js";
import type { SettingsBackend } from "./settings-backend.js";
import type { SettingsMemory } from "./settings-memory.js";
import {
  sameTimeouts,
  type Timeouts,
  timeoutKinds,
  timeoutsFor,
  type WantedTimeouts,
  wantsTimeouts,
} from "./timeouts.js";

const nothing: WantedTimeouts = { tcp: undefined, tcpFin: undefined, udp: undefined };

/** Sets timeouts of connections, and puts back what the kernel had before, also after a crash in between. */
export class TimeoutKeeper {
  readonly #backend: SettingsBackend;
  readonly #memory: SettingsMemory;
  readonly #log: Log;

  constructor(backend: SettingsBackend, memory: SettingsMemory, log: Log) {
    this.#backend = backend;
    this.#memory = memory;
    this.#log = log;
  }

  /** What is not wanted is as it was before us. */
  async apply(wanted: WantedTimeouts): Promise<void> {
    const remembered = this.#remembered();
    if (remembered === undefined && !wantsTimeouts(wanted)) return;
    const reading = await this.#backend.timeouts();
    if (reading.kind === "unread") return this.#failed(`they cannot be read, ${reading.why}`);
    const originals = remembered ?? reading.value;
    if (remembered === undefined) for (const kind of timeoutKinds) this.#memory.set(nameOf(kind), originals[kind]);
    const target = timeoutsFor(wanted, originals);
    if (!sameTimeouts(target, reading.value)) {
      const { errno, reason } = await this.#backend.setTimeouts(target);
      if (errno !== 0) return this.#failed(`the kernel refuses ${text(target)}, errno ${errno} ${reason}`.trimEnd());
      this.#log("notice", "ipvs.timeouts", `IPVS: timeouts are ${text(target)} (were ${text(reading.value)})`);
    }
    if (!wantsTimeouts(wanted)) for (const kind of timeoutKinds) this.#memory.delete(nameOf(kind));
  }

  /** As the kernel was before us. */
  restore(): Promise<void> {
    return this.apply(nothing);
  }

  #remembered(): Timeouts | undefined {
    const [tcp, tcpFin, udp] = timeoutKinds.map((kind) => this.#memory.get(nameOf(kind)));
    return tcp === undefined || tcpFin === undefined || udp === undefined ? undefined : { tcp, tcpFin, udp };
  }

  #failed(why: string): void {
    this.#log("error", "ipvs.timeouts-failed", `IPVS: lvs_timeouts has no effect: ${why} - correct it and reload`);
  }
}

const nameOf = (kind: keyof Timeouts): string => `timeout ${kind}`;
const text = ({ tcp, tcpFin, udp }: Timeouts): string => `tcp ${tcp} tcpfin ${tcpFin} udp ${udp} s`;
