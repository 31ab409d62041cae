import { openFrameReader } from "../../native-bindings/frame-reader.js";
import type { Clock } from "../clock.js";
import { errnoName } from "../errors.js";
import { type Milliseconds, ms } from "../units.js";
import type { ProbeResult } from "./guard.js";
import type { AddressProber, Asked } from "./guard-ports.js";
import type { HostNetwork, Link, SendFrame } from "./ports.js";
import { addressProbe, claimant } from "./probe-frames.js";
import { errnoText } from "./system-error.js";

/** Hears ARP (4) or neighbour adverts (6) on an interface. @throws system error */
export type OpenFrames = (interfaceIndex: number, version: 4 | 6, onFrame: (frame: Buffer) => void) => Disposable;

interface ProberDeps {
  readonly clock: Clock;
  readonly network: Pick<HostNetwork, "link">;
  readonly sendFrame: SendFrame;
  readonly openFrames?: OpenFrames;
}

const ETHERNET_ADDRESS = 6;
/** Timers run before sockets are read: where this process was kept from running, answers may wait while the time is over. */
const READ_FIRST = ms(1);

/** Asks twice, at once and in the middle of the wait: one frame may be lost. */
export class SegmentProber implements AddressProber {
  readonly #deps: ProberDeps;

  constructor(deps: ProberDeps) {
    this.#deps = deps;
  }

  probe(asked: readonly Asked[], wait: Milliseconds, done: (result: ProbeResult) => void): Disposable {
    return new Probe(this.#deps, asked, wait, done);
  }
}

/** What is put on loopback, or on a link without ARP, nobody can be asked for. */
const mute = (link: Link): boolean => link.noArp || link.mac.length !== ETHERNET_ADDRESS || link.name === "lo";

class Probe implements Disposable {
  readonly #deps: ProberDeps;
  readonly #asked: readonly Asked[];
  #done: ((result: ProbeResult) => void) | undefined;
  readonly #held: Disposable[] = [];

  constructor(deps: ProberDeps, asked: readonly Asked[], wait: Milliseconds, done: (result: ProbeResult) => void) {
    this.#deps = deps;
    this.#asked = asked;
    this.#done = done;
    // Not from within the call: whoever asks does not know of this probe yet.
    this.#held.push(deps.clock.after(ms(0), () => this.#begin(wait)));
  }

  [Symbol.dispose](): void {
    this.#done = undefined;
    for (const one of this.#held.splice(0)) one[Symbol.dispose]();
  }

  #begin(wait: Milliseconds): void {
    const open = this.#deps.openFrames ?? openFrameReader;
    try {
      for (const [link, version] of this.#places()) {
        this.#held.push(open(link.index, version, (frame) => this.#hear(link, frame)));
      }
    } catch (error) {
      this.#end({ kind: "unknown", problem: `nobody can be asked for the addresses: ${errnoName(error) ?? error}` });
      return;
    }
    this.#send();
    if (this.#done === undefined) return;
    this.#later(ms(wait / 2), () => this.#send());
    this.#later(wait, () => this.#later(READ_FIRST, () => this.#end({ kind: "free" })));
  }

  #later(delay: Milliseconds, fn: () => void): void {
    this.#held.push(this.#deps.clock.after(delay, fn));
  }

  #places(): readonly (readonly [Link, 4 | 6])[] {
    const places = new Map<string, readonly [Link, 4 | 6]>();
    for (const one of this.#asked) {
      const link = this.#deps.network.link(one.interface);
      if (link === undefined || mute(link)) continue;
      const version = one.family === "inet" ? 4 : 6;
      places.set(`${link.index} ${version}`, [link, version]);
    }
    return [...places.values()];
  }

  #send(): void {
    for (const { address, interface: name } of this.#asked) {
      const link = this.#deps.network.link(name);
      if (this.#done === undefined || (link !== undefined && mute(link))) continue;
      const errno = link === undefined ? undefined : this.#deps.sendFrame(link.index, addressProbe(link.mac, address));
      if (errno === 0) continue;
      const why = errno === undefined ? "there is no such interface" : errnoText(errno);
      this.#end({ kind: "unknown", problem: `nobody on ${name} can be asked for ${address}: ${why}` });
    }
  }

  #hear(link: Link, frame: Buffer): void {
    for (const { address, interface: name } of this.#asked) {
      if (name !== link.name) continue;
      const mac = claimant(frame, address, link.mac);
      if (mac !== undefined) this.#end({ kind: "held", what: `${address} is still used by ${mac} on ${name}` });
    }
  }

  #end(result: ProbeResult): void {
    const done = this.#done;
    this[Symbol.dispose]();
    done?.(result);
  }
}
