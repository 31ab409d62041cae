import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Config, VirtualServerConfig } from "../config/model.js";
import type { GroupEntry } from "../config/model-lvs.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { HostNetwork } from "../vrrp/ports.js";

/** The addresses of this host. */
export interface LocalAddresses extends Pick<HostNetwork, "subscribe">, Disposable {
  localAddresses(): Iterable<IpAddress>;
}

export interface HaSuspendDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the first virtual server asks for it. */
  readonly open: () => Promise<LocalAddresses>;
  /** `rests` may have another answer. */
  readonly onChange: () => void;
}

/** An instance that becomes MASTER brings many addresses at once. */
const TOGETHER = ms(10);

/** ha_suspend: a virtual server is checked only while an address of it is on this host. */
export class HaSuspend {
  readonly #deps: HaSuspendDeps;
  #network: LocalAddresses | undefined;
  #local: ReadonlySet<IpAddress> = new Set();
  #pending: Disposable | undefined;
  #phase: "running" | "stopped" = "running";

  constructor(deps: HaSuspendDeps) {
    this.#deps = deps;
  }

  /** Resolves when it is known what is on this host, should anybody ask. */
  async configure({ virtualServers }: Pick<Config, "virtualServers">): Promise<void> {
    if (this.#network !== undefined || !virtualServers.some(({ haSuspend }) => haSuspend)) return;
    try {
      const network = await this.#deps.open();
      this.#network = network;
      if (this.#phase === "stopped") return this.stop();
      network.subscribe((change) => {
        if (change.kind === "link") return;
        this.#pending ??= this.#deps.clock.after(TOGETHER, () => this.#look(network));
      });
      this.#local = new Set(network.localAddresses());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#deps.log("error", "checks.ha-suspend", `ha_suspend has no effect, all is checked: ${why}`, { why });
    }
  }

  /** No address of it is on this host, as far as that is known. */
  rests({ haSuspend, service, groupEntries = [] }: VirtualServerConfig): boolean {
    if (!haSuspend || this.#network === undefined) return false;
    if (service.kind === "address") return !this.#local.has(service.address);
    return !groupEntries.some((entry) => this.#isHere(entry));
  }

  stop(): void {
    this.#phase = "stopped";
    this.#pending?.[Symbol.dispose]();
    this.#network?.[Symbol.dispose]();
  }

  #look(network: LocalAddresses): void {
    this.#pending = undefined;
    this.#local = new Set(network.localAddresses());
    this.#deps.onChange();
  }

  #isHere(entry: GroupEntry): boolean {
    if (entry.kind === "fwmark") return false;
    if (entry.first === entry.last) return this.#local.has(entry.first);
    const [first, last] = [bytesOfIp(entry.first), bytesOfIp(entry.last)];
    for (const address of this.#local) {
      const bytes = bytesOfIp(address);
      if (bytes.length === first.length && first.compare(bytes) <= 0 && last.compare(bytes) >= 0) return true;
    }
    return false;
  }
}
