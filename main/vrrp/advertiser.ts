import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Priority, priority } from "../units.js";
import { AdvertBuffer, nextId } from "./advert-buffer.js";
import { advertShape } from "./advert-shape.js";
import type { Attachment, Endpoints, Subscriber } from "./endpoints.js";
import { checksumForm } from "./expectation.js";
import { type HmacKey, nextSequence, sequenceOf } from "./hmac-trailer.js";
import { VRRP_TTL } from "./packet.js";
import type { AdvertEndpoint, Link } from "./ports.js";
import type { Footprint } from "./receive-buffer.js";
import { errnoText, problemOf } from "./system-error.js";
import type { WireState } from "./wire-state.js";

/** Where adverts of an instance leave and arrive; undefined parts mean that they cannot. */
export interface Path {
  readonly link: Link | undefined;
  readonly source: IpAddress;
  /** 224.0.0.18 or ff02::12 unless configured; not used with unicast peers. */
  readonly group: IpAddress;
}

export interface AdvertiserDeps {
  readonly endpoints: Endpoints;
  readonly log: Log;
  /** Milliseconds since 1970, for auth_hmac. */
  readonly wallClock: () => number;
}

/** The socket and the prebuilt packets of one instance. */
export class Advertiser implements Disposable {
  readonly #deps: AdvertiserDeps;
  readonly #wire: WireState;
  readonly #onAdvert: Subscriber["onAdvert"];
  readonly #refused = new Map<IpAddress, number>();
  #name = "";
  #attached: { readonly key: string; readonly attachment: Attachment } | undefined;
  #built: { readonly config: VrrpInstanceConfig; readonly path: Path; readonly oldChecksum: boolean } | undefined;
  #buffers: readonly AdvertBuffer[] = [];
  #id = 0;

  constructor(deps: AdvertiserDeps, wire: WireState, onAdvert: Subscriber["onAdvert"]) {
    this.#deps = deps;
    this.#wire = wire;
    this.#onAdvert = onAdvert;
  }

  /** Opens, moves or keeps the socket and the packets. @returns what is wrong, undefined when adverts can go */
  prepare(config: VrrpInstanceConfig, path: Path): string | undefined {
    this.#name = config.name;
    const isNew = this.#build(config, path);
    const endpoint = endpointOf(config, path);
    const key = `${endpoint.kind} ${endpoint.link?.index ?? 0} ${endpoint.address} ${endpoint.ah} ${config.version} ${config.unicastPeers.join()}`;
    if (this.#attached?.key === key) {
      if (isNew) this.#attached.attachment.reshaped();
      return undefined;
    }
    this.close();
    const deaf = deafLink(endpoint);
    if (deaf !== undefined) return `interface ${deaf} does not support multicast, specify unicast peers`;
    const subscriber = {
      vrid: config.vrid,
      version: config.version,
      peers: config.unicastPeers,
      shape: () => advertShape(this.#built?.config ?? config, this.#built?.path.group ?? path.group),
      footprint: () => this.#footprint(config, path),
      onAdvert: this.#onAdvert,
    };
    try {
      this.#attached = { key, attachment: this.#deps.endpoints.attach(endpoint, subscriber) };
      return undefined;
    } catch (error) {
      return problemOf(error); // a fault of the instance: told there, with its name
    }
  }

  /** @param config and `path` when it was attached */
  #footprint(config: VrrpInstanceConfig, path: Path): Footprint {
    const built = this.#built ?? { config, path };
    const advert = this.#buffers[0]?.length ?? 0;
    return { own: built.config.extras.receiveBufferBytes, mtu: built.path.link?.mtu, advert };
  }

  /** @returns whether the packets are other ones now */
  #build(config: VrrpInstanceConfig, path: Path): boolean {
    const { oldChecksum } = this.#wire;
    const built = this.#built;
    const samePath =
      built?.path.source === path.source && built.path.group === path.group && built.path.link?.mtu === path.link?.mtu; // the receive buffer may be made for it
    if (built?.config === config && samePath && built.oldChecksum === oldChecksum) return false;
    const unicast = config.unicastPeers.length > 0;
    const destinations = unicast ? config.unicastPeers : [path.group];
    const spec = {
      version: config.version,
      vrid: config.vrid,
      interval: config.advertInterval,
      addresses: config.virtualAddresses.map((a) => a.address),
      authPass: config.authPass,
      source: path.source,
      ah: config.wire.ah,
      ttl: unicast ? (config.unicast.ttl ?? VRRP_TTL) : VRRP_TTL,
      checksum: checksumForm(config, path.group, this.#wire),
      hmac: signingKey(config) !== undefined,
    };
    const first = priority(config.basePriority);
    this.#buffers = destinations.map((destination) => new AdvertBuffer({ ...spec, destination }, first));
    this.#built = { config, path, oldChecksum };
    return true;
  }

  /**
   * One advert to every destination, out when this returns. Allocates nothing when all goes well, unless it is to be signed; a
   * farewell may fail.
   */
  send(at: Priority): void {
    const attachment = this.#attached?.attachment;
    const built = this.#built;
    if (attachment === undefined || built === undefined) return;
    if (built.oldChecksum !== this.#wire.oldChecksum) this.#build(built.config, built.path);
    this.#id = nextId(this.#id);
    const { ah, hmac } = built.config.wire;
    if (ah || hmac !== undefined) this.#sign(built.config, at);
    for (const buffer of this.#buffers) {
      const errno = attachment.send(buffer.stamp(this.#id, at), buffer.destination);
      if ((errno !== 0 || this.#refused.size > 0) && at !== 0) this.#note(buffer.destination, errno);
    }
  }

  /** The same numbers for every destination: it is one advert. Stamping the packet again afterwards changes nothing. */
  #sign(config: VrrpInstanceConfig, at: Priority): void {
    const ah = config.wire.ah ? this.#wire.nextAh() : undefined;
    const key = signingKey(config);
    const sequence = key && this.#nextSequence(config);
    let trailer: Uint8Array | undefined;
    for (const buffer of this.#buffers) {
      buffer.stamp(this.#id, at);
      if (ah !== undefined) buffer.signAh(ah);
      if (key === undefined || sequence === undefined) continue;
      if (trailer === undefined) trailer = buffer.signHmac(key, sequence);
      else buffer.attach(trailer);
    }
  }

  #nextSequence({ wire: { hmac } }: VrrpInstanceConfig): bigint {
    const restartAfter = hmac?.antiReplay === "time" ? hmac.windowSeconds : undefined;
    const clock = sequenceOf(this.#deps.wallClock());
    const sequence = nextSequence(this.#wire.hmac, clock, restartAfter);
    this.#wire.sentHmac(sequence, clock);
    return sequence;
  }

  /** Once per destination and error, not once per advert. */
  #note(destination: IpAddress, errno: number): void {
    if ((this.#refused.get(destination) ?? 0) === errno) return;
    if (errno === 0) {
      this.#refused.delete(destination);
      return;
    }
    this.#refused.set(destination, errno);
    const sentence = `(${this.#name}) Cant send advert to ${destination} (${errnoText(errno)})`;
    this.#deps.log("info", "vrrp.send-failed", sentence, { instance: this.#name, destination, errno });
  }

  close(): void {
    this.#attached?.attachment[Symbol.dispose]();
    this.#attached = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function endpointOf(config: VrrpInstanceConfig, path: Path): AdvertEndpoint {
  const { ah } = config.wire;
  if (config.unicastPeers.length === 0) return { kind: "multicast", link: path.link, address: path.group, ah };
  return { kind: "unicast", link: path.link, address: path.source, ah };
}

/**
 * A network card without IFF_MULTICAST lets no group through: who hears nobody must not be MASTER. An open socket stays, as its
 * groups are in the card already.
 */
const deafLink = ({ kind, link }: AdvertEndpoint): string | undefined =>
  kind === "multicast" && link?.multicast === false && link.name !== "lo" ? link.name : undefined;

/** Undefined: adverts are not signed. */
function signingKey({ wire: { hmac } }: VrrpInstanceConfig): HmacKey | undefined {
  return hmac === undefined || hmac.mode === "receive-only"
    ? undefined
    : hmac.keys.find(({ id }) => id === hmac.activeKey);
}
