import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { gratuitousArp } from "./announcement.js";
import { Deadline } from "./deadline.js";
import { emptyQueue, enqueue, type GarpQueue, take, withdraw } from "./garp.js";
import type { HostNetwork, Link, SendFrame } from "./ports.js";
import { errnoText } from "./system-error.js";

const ETHERNET_ADDRESS = 6;

interface Lane {
  queue: GarpQueue;
  readonly wake: Deadline;
  link: Link;
}

export interface GarpSenderDeps {
  readonly clock: Clock;
  readonly network: HostNetwork;
  readonly sendFrame: SendFrame;
  readonly log: Log;
}

/** Sends gratuitous ARPs for all instances, with vrrp_garp_interval between two on the same interface. */
export class GarpSender implements Disposable {
  readonly #deps: GarpSenderDeps;
  readonly #lanes = new Map<number, Lane>();
  #gap: Milliseconds = ms(0);

  constructor(deps: GarpSenderDeps) {
    this.#deps = deps;
  }

  /** vrrp_garp_interval; 0: no limit. */
  setGap(gap: Milliseconds): void {
    this.#gap = gap;
  }

  /** Like `arping -U -c <rounds> -I <interface> <address>`; without a limit all frames are out when this returns. */
  announce(owner: string, interfaceName: string, addresses: readonly IpAddress[], rounds: number): void {
    const link = this.#deps.network.link(interfaceName);
    if (link === undefined || link.noArp || link.mac.length !== ETHERNET_ADDRESS || rounds === 0) return;
    const lane = this.#lane(link);
    lane.queue = enqueue(
      lane.queue,
      addresses.map((address) => ({ owner, address, rounds })),
    );
    this.#serve(lane);
  }

  withdraw(owner: string): void {
    for (const lane of this.#lanes.values()) {
      lane.queue = withdraw(lane.queue, owner);
      if (lane.queue.pending.length === 0) lane.wake.disarm();
    }
  }

  #lane(link: Link): Lane {
    const known = this.#lanes.get(link.index);
    if (known !== undefined) {
      known.link = link; // its hardware address may have changed
      return known;
    }
    const lane: Lane = { queue: emptyQueue, link, wake: new Deadline(this.#deps.clock, () => this.#serve(lane)) };
    this.#lanes.set(link.index, lane);
    return lane;
  }

  #serve(lane: Lane): void {
    const taken = take(lane.queue, this.#gap, this.#deps.clock.now());
    lane.queue = taken.queue;
    for (const address of taken.send) {
      const ipv6 = address.includes(":"); // has no ARP
      const errno = ipv6 ? 0 : this.#deps.sendFrame(lane.link.index, gratuitousArp(lane.link.mac, address));
      if (errno !== 0) this.#report(lane.link, address, errno);
    }
    if (taken.wakeAt === undefined) lane.wake.disarm();
    else lane.wake.arm(taken.wakeAt);
  }

  #report(link: Link, address: IpAddress, errno: number): void {
    const sentence = `Error sending gratuitous ARP on ${link.name} for ${address} - ${errnoText(errno)}`;
    this.#deps.log("info", "vrrp.garp-failed", sentence, { interface: link.name, address, errno });
  }

  [Symbol.dispose](): void {
    for (const lane of this.#lanes.values()) lane.wake.disarm();
    this.#lanes.clear();
  }
}
