import type { IpAddress } from "../address.js";
import { decodeAdvert, type ReceivedAdvert, vridOf } from "./packet.js";
import type { AdvertEndpoint, AdvertSocket, AdvertTransport } from "./ports.js";

/** Who gets the adverts of a virtual router that come in at an endpoint. */
export interface Subscriber {
  readonly vrid: number;
  /** Unicast only: distinguishes instances that share VRID and source address. */
  readonly peers: readonly IpAddress[];
  readonly onAdvert: (advert: ReceivedAdvert) => void;
}

/** An instance's place at a shared endpoint. Disposing the last one closes the socket. */
export interface Attachment extends Disposable {
  send(packet: Uint8Array, destination: IpAddress): number;
}

interface Shared {
  readonly socket: AdvertSocket;
  readonly subscribers: Subscriber[];
}

const keyOf = (e: AdvertEndpoint): string =>
  `${e.kind} ${e.link?.index ?? 0} ${e.address}${e.ah === true ? " AH" : ""}`;

/** Sockets shared by all instances with the same interface and group (or source address), and who listens there. */
export class Endpoints {
  readonly #transport: AdvertTransport;
  readonly #shared = new Map<string, Shared>();

  constructor(transport: AdvertTransport) {
    this.#transport = transport;
  }

  /** @throws system error when the socket cannot be opened */
  attach(endpoint: AdvertEndpoint, subscriber: Subscriber): Attachment {
    const key = keyOf(endpoint);
    const shared = this.#shared.get(key) ?? this.#open(key, endpoint);
    shared.subscribers.push(subscriber);
    return {
      send: (packet, destination) => shared.socket.send(packet, destination),
      [Symbol.dispose]: () => this.#detach(key, shared, subscriber),
    };
  }

  #open(key: string, endpoint: AdvertEndpoint): Shared {
    const subscribers: Subscriber[] = [];
    const socket = this.#transport.open(endpoint, (packet) => dispatch(subscribers, packet));
    const shared: Shared = { socket, subscribers };
    this.#shared.set(key, shared);
    return shared;
  }

  #detach(key: string, shared: Shared, subscriber: Subscriber): void {
    const at = shared.subscribers.indexOf(subscriber);
    if (at < 0) return;
    shared.subscribers.splice(at, 1);
    if (shared.subscribers.length > 0) return;
    shared.socket[Symbol.dispose]();
    this.#shared.delete(key);
  }
}

/** What is no advert, or of an unknown VRID, is nobody's. */
function dispatch(subscribers: readonly Subscriber[], packet: Uint8Array): void {
  const vrid = vridOf(packet);
  const candidates = subscribers.filter((s) => s.vrid === vrid);
  if (candidates.length === 0) return; // before it is taken apart: most of what a busy segment carries ends here
  const decoded = decodeAdvert(packet);
  if (!decoded.ok) return;
  const { advert } = decoded;
  const chosen = candidates.length > 1 ? candidates.find((s) => s.peers.includes(advert.source)) : candidates[0];
  chosen?.onAdvert(advert);
}
