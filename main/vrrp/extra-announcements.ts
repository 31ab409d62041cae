import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import { ms } from "../units.js";
import { Deadline } from "./deadline.js";
import type { GarpSender } from "./garp-sender.js";
import { advertInterface, vipInterface } from "./vip-interface.js";

/** An interface whose hardware address switches might forget, and what to say there. */
export interface ExtraPlace {
  readonly interface: string;
  readonly address: IpAddress;
}

/**
 * Pure. Adverts keep one hardware address in the tables of switches: that of the interface which they leave by. garp_extra_if does
 * the same for the others with an address of the instance each, only VMACs unless `all`. One address of each is enough.
 */
export function extraPlaces(config: VrrpInstanceConfig): readonly ExtraPlace[] {
  const { garpExtra } = config.extras;
  if (garpExtra === undefined || garpExtra.interval === 0) return [];
  const { own } = config.virtualInterface;
  const places = new Map<string, IpAddress>();
  for (const { address, dev = vipInterface(config), more } of [
    ...config.virtualAddresses,
    ...config.excludedAddresses,
  ]) {
    const isVmac = more.base !== undefined || (own?.kind === "vmac" && own.name === dev);
    if (places.has(dev) || dev === advertInterface(config) || !(isVmac || garpExtra.all)) continue;
    places.set(dev, address);
  }
  return [...places].map(([name, address]) => ({ interface: name, address }));
}

/** What garp_extra_if has one instance announce again and again while it is MASTER. */
export class ExtraAnnouncements {
  readonly #owner: string;
  readonly #clock: Clock;
  readonly #sender: GarpSender;
  readonly #wake: Deadline;
  #config: VrrpInstanceConfig;
  #places: readonly ExtraPlace[] = [];
  #running: boolean = false;

  constructor(owner: string, config: VrrpInstanceConfig, clock: Clock, sender: GarpSender) {
    this.#owner = owner;
    this.#config = config;
    this.#clock = clock;
    this.#sender = sender;
    this.#wake = new Deadline(clock, () => this.#announce());
  }

  /** A new interval holds from now on; the same one goes on as it is. */
  reconfigure(config: VrrpInstanceConfig): void {
    const before = this.#config.extras.garpExtra?.interval;
    this.#config = config;
    if (!this.#running) return;
    const wasIdle = this.#places.length === 0;
    this.#places = extraPlaces(config);
    if (wasIdle || this.#places.length === 0 || before !== config.extras.garpExtra?.interval) this.#arm();
  }

  start(): void {
    this.#running = true;
    this.#places = extraPlaces(this.#config);
    this.#arm();
  }

  stop(): void {
    this.#running = false;
    this.#wake.disarm();
  }

  #arm(): void {
    const interval = this.#config.extras.garpExtra?.interval ?? 0;
    if (this.#places.length === 0) this.#wake.disarm();
    else this.#wake.arm(ms(this.#clock.now() + interval));
  }

  #announce(): void {
    for (const place of this.#places) this.#sender.announce(this.#owner, place.interface, [place.address], 1);
    this.#arm();
  }
}
