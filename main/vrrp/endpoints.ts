import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import { AdvertLog } from "./advert-log.js";
import type { AdvertShape } from "./flood-filter.js";
import { FloodWatch } from "./flood-watch.js";
import { sourceOf } from "./ip-header.js";
import { KnownAdvert } from "./known-advert.js";
import { type ReceivedAdvert, vridOf } from "./packet.js";
import { type AdvertEndpoint, type AdvertSocket, type AdvertTransport, RECEIVE_QUEUE_BYTES } from "./ports.js";
import { type BufferPolicy, type Footprint, neededBytes, receiveBytes } from "./receive-buffer.js";

/** Who gets the adverts of a virtual router that come in at an endpoint. */
export interface Subscriber {
  readonly vrid: number;
  readonly version: 2 | 3;
  /** Unicast only: distinguishes instances that share VRID and source address. */
  readonly peers: readonly IpAddress[];
  /** What adverts have to look like at this moment. */
  readonly shape: () => AdvertShape;
  /** What it needs of the receive buffer at this moment. */
  readonly footprint: () => Footprint;
  /** `at`: when it came in. @returns whether it was of use */
  readonly onAdvert: (advert: ReceivedAdvert, at: Milliseconds) => boolean;
}

/** An instance's place at a shared endpoint. Disposing the last one closes the socket. */
export interface Attachment extends Disposable {
  send(packet: Uint8Array, destination: IpAddress): number;
  /** What adverts have to look like is another thing now. */
  reshaped(): void;
}

/** A packet that was read later than this waited for more than a wake-up. */
const STALE = 5;

/** A subscriber, and the last advert that was of use to it. */
interface Place {
  readonly subscriber: Subscriber;
  readonly known: KnownAdvert;
}

interface Shared {
  readonly endpoint: AdvertEndpoint;
  readonly socket: AdvertSocket;
  readonly subscribers: Subscriber[];
  /** The same by virtual router id: hundreds may share an endpoint, and each advert is for one of them. */
  readonly places: Map<number, Place[]>;
  readonly flood: FloodWatch;
  /** What each of them needs of the receive buffer, and the sum: hundreds may share it, and none is asked for another one's sake. */
  readonly needs: Map<Subscriber, number>;
  needed: number;
  receiveBytes: number;
  /** Who sent something useful, in the order of their first. */
  readonly known: Set<IpAddress>;
  /** Looks whether the flood is over. */
  watch: Disposable | undefined;
  /** Until then the filter stays as it is, whoever is met. */
  rests: Disposable | undefined;
}

const LOOK_EVERY = ms(1000);
/** Senders kept in mind: routers and peers of an endpoint are few. */
const MOST_KNOWN = 20;

const keyOf = (e: AdvertEndpoint): string =>
  `${e.kind} ${e.link?.index ?? 0} ${e.address}${e.ah === true ? " AH" : ""}`;

export interface EndpointsDeps {
  readonly transport: AdvertTransport;
  readonly clock: Clock;
  readonly log: Log;
}

export interface EndpointSettings {
  readonly logUnknown: boolean;
  readonly buffers: BufferPolicy;
}

/** Sockets shared by all instances with the same interface and group (or source address), and who listens there. */
export class Endpoints {
  readonly #deps: EndpointsDeps;
  readonly #shared = new Map<string, Shared>();
  readonly #unknownLog: AdvertLog;
  #logUnknown: boolean = false;
  #buffers: BufferPolicy = { vrrpReceive: "system", vrrpReceiveMultiplier: 1 };

  constructor(deps: EndpointsDeps) {
    this.#deps = deps;
    this.#unknownLog = new AdvertLog(deps.log, deps.clock);
  }

  /** @param logUnknown adverts for nobody here are let through, and told */
  configure({ logUnknown, buffers }: EndpointSettings): void {
    const filters = this.#logUnknown !== logUnknown;
    this.#logUnknown = logUnknown;
    this.#buffers = buffers;
    for (const shared of this.#shared.values()) {
      if (filters) this.#filter(shared);
      for (const subscriber of shared.subscribers) this.#weigh(shared, subscriber);
      this.#resize(shared);
    }
  }

  /** @throws system error when the socket cannot be opened */
  attach(endpoint: AdvertEndpoint, subscriber: Subscriber): Attachment {
    const key = keyOf(endpoint);
    const shared = this.#shared.get(key) ?? this.#open(key, endpoint, subscriber);
    place(shared.places, subscriber);
    if (!shared.subscribers.includes(subscriber)) {
      shared.subscribers.push(subscriber);
      this.#filter(shared);
    }
    this.#weigh(shared, subscriber);
    this.#resize(shared);
    return {
      send: (packet, destination) => shared.socket.send(packet, destination),
      reshaped: () => {
        this.#weigh(shared, subscriber);
        this.#resize(shared);
        if (shared.flood.stage !== "none") this.#filter(shared);
      },
      [Symbol.dispose]: () => this.#detach(key, shared, subscriber),
    };
  }

  /** The socket begins with the filter for its first subscriber: each that the kernel takes costs as much as the socket. */
  #open(key: string, endpoint: AdvertEndpoint, first: Subscriber): Shared {
    const subscribers = [first];
    const socket = this.#deps.transport.open(
      endpoint,
      (packet, source, age) => this.#receive(shared, packet, source, age),
      { routers: subscribers, flooded: false, unknown: this.#logUnknown },
    );
    const flood = new FloodWatch();
    const fresh = {
      places: new Map<number, Place[]>(),
      needs: new Map<Subscriber, number>(),
      needed: 0,
      receiveBytes: RECEIVE_QUEUE_BYTES,
      known: new Set<IpAddress>(),
      watch: undefined,
      rests: undefined,
    };
    const shared: Shared = { endpoint, socket, subscribers, flood, ...fresh };
    this.#shared.set(key, shared);
    return shared;
  }

  #detach(key: string, shared: Shared, subscriber: Subscriber): void {
    const at = shared.subscribers.indexOf(subscriber);
    if (at < 0) return;
    shared.subscribers.splice(at, 1);
    displace(shared.places, subscriber);
    shared.needed -= shared.needs.get(subscriber) ?? 0;
    shared.needs.delete(subscriber);
    if (shared.subscribers.length > 0) {
      this.#filter(shared);
      this.#resize(shared);
      return;
    }
    shared.watch?.[Symbol.dispose]();
    shared.rests?.[Symbol.dispose]();
    shared.socket[Symbol.dispose]();
    this.#shared.delete(key);
  }

  #receive(shared: Shared, packet: Uint8Array, source: IpAddress, age: number | undefined): void {
    if (this.#dispatch(shared.places, packet, age)) {
      if (!shared.known.has(source)) this.#meet(shared, source);
      return;
    }
    if (this.#logUnknown) this.#tellUnknown(shared, packet, source);
    if (shared.flood.useless(this.#deps.clock.now())) {
      this.#tell(shared);
      this.#watch(shared);
    }
  }

  #meet(shared: Shared, source: IpAddress): void {
    shared.known.add(source);
    const [oldest] = shared.known;
    if (shared.known.size > MOST_KNOWN && oldest !== undefined) shared.known.delete(oldest);
    if (shared.flood.stage === "narrowed") this.#filterNowAndThen(shared);
  }

  /** Good adverts come for nothing where nobody signs them: from a new address each, they must not cost us a filter each. */
  #filterNowAndThen(shared: Shared): void {
    if (shared.rests !== undefined) return;
    this.#filter(shared);
    const met = new Set(shared.known);
    shared.rests = this.#deps.clock.after(LOOK_EVERY, () => {
      shared.rests = undefined;
      const isNew = [...shared.known].some((source) => !met.has(source));
      if (isNew && shared.flood.stage === "narrowed") this.#filterNowAndThen(shared);
    });
  }

  /** log_unknown_vrids */
  #tellUnknown({ endpoint, subscribers }: Shared, packet: Uint8Array, source: IpAddress): void {
    const vrid = vridOf(packet);
    if (vrid === undefined || subscribers.some((s) => s.vrid === vrid)) return;
    const skipped = this.#unknownLog.admit("unknown");
    if (skipped === undefined) return;
    const left = skipped > 0 ? ` (${skipped} more such adverts since the last one of these lines)` : "";
    const sentence = `Unknown VRID(${vrid}) received on interface(${endpoint.link?.name ?? "any"}) from ${source}. ignoring...${left}`;
    this.#deps.log("info", "vrrp.unknown-vrid", sentence, { vrid, source, skipped });
  }

  #weigh(shared: Shared, subscriber: Subscriber): void {
    const bytes = neededBytes(subscriber.footprint(), this.#buffers);
    shared.needed += bytes - (shared.needs.get(subscriber) ?? 0);
    shared.needs.set(subscriber, bytes);
  }

  #resize(shared: Shared): void {
    const bytes = receiveBytes(shared.needed) ?? RECEIVE_QUEUE_BYTES;
    if (bytes === shared.receiveBytes) return;
    shared.receiveBytes = bytes;
    shared.socket.receiveBuffer?.(bytes);
  }

  #filter({ socket, subscribers, flood, known }: Shared): void {
    const senders = flood.stage === "narrowed" ? [...known].map(bytesOfIp) : undefined;
    const flooded = flood.stage !== "none";
    socket.filter?.({ routers: subscribers, flooded, senders, unknown: this.#logUnknown });
  }

  /** A flood that ends may be followed by silence: nothing that is received would show it. */
  #watch(shared: Shared): void {
    shared.watch?.[Symbol.dispose]();
    shared.watch = this.#deps.clock.after(LOOK_EVERY, () => {
      if (shared.flood.over(this.#deps.clock.now())) this.#tell(shared);
      else this.#watch(shared);
    });
  }

  /** What is no advert, or of an unknown VRID, is nobody's. @returns whether it was of use to somebody */
  #dispatch(places: Shared["places"], packet: Uint8Array, age: number | undefined): boolean {
    const vrid = vridOf(packet);
    const here = vrid === undefined ? undefined : places.get(vrid);
    if (here === undefined) return false; // before it is taken apart
    const chosen = here.length === 1 ? here[0] : placeOfPeer(here, packet);
    return chosen !== undefined && this.#hand(chosen, packet, age);
  }

  #hand({ subscriber, known }: Place, packet: Uint8Array, age: number | undefined): boolean {
    const advert = known.read(packet);
    if (advert === undefined || !subscriber.onAdvert(advert, this.#arrival(age))) return false;
    known.keep(advert);
    return true;
  }

  /**
   * Timers count from when an advert came in, not from when a thread that had slept got around to it. But what lay in the socket while
   * this thread was stalled is as good as new: its sender was heard all the time, and what came after it is still to be read.
   */
  #arrival(age = Number.NaN): Milliseconds {
    const now = this.#deps.clock.now();
    return age >= 0 && age <= STALE ? ms(now - age) : now;
  }

  #tell(shared: Shared): void {
    const { address, link } = shared.endpoint;
    const where = link === undefined ? address : `${address} on ${link.name}`;
    const { stage } = shared.flood;
    this.#deps.log(stage === "none" ? "notice" : "warning", "vrrp.flood", sentences[stage](where), { stage });
    this.#filter(shared);
  }
}

function place(places: Shared["places"], subscriber: Subscriber): void {
  const others = (places.get(subscriber.vrid) ?? []).filter((one) => one.subscriber !== subscriber);
  places.set(subscriber.vrid, [...others, { subscriber, known: new KnownAdvert() }]);
}

function displace(places: Shared["places"], gone: Subscriber): void {
  const left = (places.get(gone.vrid) ?? []).filter(({ subscriber }) => subscriber !== gone);
  if (left.length === 0) places.delete(gone.vrid);
  else places.set(gone.vrid, left);
}

/** Several have this virtual router id, each with peers of its own. */
function placeOfPeer(places: readonly Place[], packet: Uint8Array): Place | undefined {
  const source = sourceOf(packet);
  return places.find(({ subscriber }) => subscriber.peers.includes(source));
}

const find = "find their sender: tcpdump -n proto 112";
const sentences = {
  none: (where: string) => `The flood of useless VRRP packets to ${where} is over: all are counted and logged again`,
  filtered: (where: string) =>
    `VRRP packets that are of no use come to ${where} by the thousand: the kernel drops those of a wrong version, length, checksum, password or sender and those that came over a router, and 1 in 256 of them is counted and logged - ${find}`,
  narrowed: (where: string) =>
    `VRRP packets that only look right come to ${where} by the thousand: of those whose sender has sent nothing good before the kernel lets 1 in 16 through, so a new master may be noticed late - ${find}`,
} as const;
