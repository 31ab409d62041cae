import type { IpAddress } from "../address.js";
import type { Clock } from "../clock.js";
import type { Log } from "../observe/log.js";
import { FloodWatch } from "./flood-watch.js";
import { decodeAdvert, type ReceivedAdvert, vridOf } from "./packet.js";
import type { AdvertEndpoint, AdvertSocket, AdvertTransport } from "./ports.js";

/** Who gets the adverts of a virtual router that come in at an endpoint. */
export interface Subscriber {
  readonly vrid: number;
  readonly version: 2 | 3;
  /** Unicast only: distinguishes instances that share VRID and source address. */
  readonly peers: readonly IpAddress[];
  /** @returns whether it was of use */
  readonly onAdvert: (advert: ReceivedAdvert) => boolean;
}

/** An instance's place at a shared endpoint. Disposing the last one closes the socket. */
export interface Attachment extends Disposable {
  send(packet: Uint8Array, destination: IpAddress): number;
}

interface Shared {
  readonly endpoint: AdvertEndpoint;
  readonly socket: AdvertSocket;
  readonly subscribers: Subscriber[];
  readonly flood: FloodWatch;
}

const keyOf = (e: AdvertEndpoint): string =>
  `${e.kind} ${e.link?.index ?? 0} ${e.address}${e.ah === true ? " AH" : ""}`;

export interface EndpointsDeps {
  readonly transport: AdvertTransport;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
}

/** Sockets shared by all instances with the same interface and group (or source address), and who listens there. */
export class Endpoints {
  readonly #deps: EndpointsDeps;
  readonly #shared = new Map<string, Shared>();

  constructor(deps: EndpointsDeps) {
    this.#deps = deps;
  }

  /** @throws system error when the socket cannot be opened */
  attach(endpoint: AdvertEndpoint, subscriber: Subscriber): Attachment {
    const key = keyOf(endpoint);
    const shared = this.#shared.get(key) ?? this.#open(key, endpoint);
    shared.subscribers.push(subscriber);
    filter(shared);
    return {
      send: (packet, destination) => shared.socket.send(packet, destination),
      [Symbol.dispose]: () => this.#detach(key, shared, subscriber),
    };
  }

  #open(key: string, endpoint: AdvertEndpoint): Shared {
    const subscribers: Subscriber[] = [];
    const socket = this.#deps.transport.open(endpoint, (packet) => this.#receive(shared, packet));
    const shared: Shared = { endpoint, socket, subscribers, flood: new FloodWatch() };
    this.#shared.set(key, shared);
    return shared;
  }

  #detach(key: string, shared: Shared, subscriber: Subscriber): void {
    const at = shared.subscribers.indexOf(subscriber);
    if (at < 0) return;
    shared.subscribers.splice(at, 1);
    if (shared.subscribers.length > 0) {
      filter(shared);
      return;
    }
    shared.socket[Symbol.dispose]();
    this.#shared.delete(key);
  }

  #receive(shared: Shared, packet: Uint8Array): void {
    const { flood } = shared;
    if (dispatch(shared.subscribers, packet)) {
      if (flood.flooded && flood.over(this.#deps.clock.now())) this.#tell(shared);
    } else if (flood.useless(this.#deps.clock.now())) this.#tell(shared);
  }

  #tell(shared: Shared): void {
    const { address, link } = shared.endpoint;
    const where = link === undefined ? address : `${address} on ${link.name}`;
    const sentence = shared.flood.flooded
      ? `VRRP packets that are of no use come to ${where} by the thousand: the kernel drops those of another version and those that came over a router, and 1 in 256 of them is counted and logged - find their sender: tcpdump -n proto 112`
      : `The flood of useless VRRP packets to ${where} is over: all are counted and logged again`;
    this.#deps.log(shared.flood.flooded ? "warning" : "notice", "vrrp.flood", sentence);
    filter(shared);
  }
}

function filter({ socket, subscribers, flood }: Shared): void {
  socket.filter?.({ routers: subscribers, flooded: flood.flooded });
}

/** What is no advert, or of an unknown VRID, is nobody's. @returns whether it was of use to somebody */
function dispatch(subscribers: readonly Subscriber[], packet: Uint8Array): boolean {
  const vrid = vridOf(packet);
  const candidates = subscribers.filter((s) => s.vrid === vrid);
  if (candidates.length === 0) return false; // before it is taken apart
  const decoded = decodeAdvert(packet);
  if (!decoded.ok) return false;
  const { advert } = decoded;
  const chosen = candidates.length > 1 ? candidates.find((s) => s.peers.includes(advert.source)) : candidates[0];
  return chosen?.onAdvert(advert) ?? false;
}
