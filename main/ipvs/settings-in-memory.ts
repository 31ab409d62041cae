import type { OperationVerdict } from "./operation.js";
import type { Reading, SettingsBackend } from "./settings-backend.js";
import type { SyncDaemon, SyncRole, SyncStep } from "./sync-daemon.js";
import type { Timeouts } from "./timeouts.js";

const ESRCH = 3;
const EEXIST = 17;

/** Without a kernel, for tests and `--ipvs memory`: the verdicts of net/netfilter/ipvs/ip_vs_sync.c. */
export class MemorySettings implements SettingsBackend {
  readonly running = new Map<SyncRole, SyncDaemon>();
  values: Timeouts = { tcp: 900, tcpFin: 120, udp: 300 };
  readonly #refuse: (step: SyncStep) => number;

  /** @param refuse errno of a step that fails; 0: it does not */
  constructor(refuse: (step: SyncStep) => number = () => 0) {
    this.#refuse = refuse;
  }

  daemons(): Promise<Reading<readonly SyncDaemon[]>> {
    return Promise.resolve({ kind: "read", value: [...this.running.values()] });
  }

  apply(step: SyncStep): Promise<OperationVerdict> {
    return Promise.resolve({ errno: this.#refuse(step) || this.#carryOut(step), reason: "" });
  }

  timeouts(): Promise<Reading<Timeouts>> {
    return Promise.resolve({ kind: "read", value: this.values });
  }

  setTimeouts({ tcp, tcpFin, udp }: Timeouts): Promise<OperationVerdict> {
    const { values } = this;
    this.values = { tcp: tcp || values.tcp, tcpFin: tcpFin || values.tcpFin, udp: udp || values.udp };
    return Promise.resolve({ errno: 0, reason: "" });
  }

  [Symbol.dispose](): void {
    this.running.clear();
  }

  #carryOut(step: SyncStep): number {
    if (step.do === "stop") return this.running.delete(step.role) ? 0 : ESRCH;
    const { daemon } = step;
    if (this.running.has(daemon.role)) return EEXIST;
    this.running.set(daemon.role, { ...daemon, ttl: daemon.ttl ?? 1, maxLength: daemon.maxLength ?? 1472 });
    return 0;
  }
}
