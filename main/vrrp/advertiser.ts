import type { IpAddress } from "../address.js";
import type { VrrpInstanceConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { type Priority, priority } from "../units.js";
import { AdvertBuffer, nextId } from "./advert-buffer.js";
import type { Attachment, Endpoints, Subscriber } from "./endpoints.js";
import type { AdvertEndpoint, Link } from "./ports.js";
import { errnoText, problemOf } from "./system-error.js";

/** Where adverts of an instance leave and arrive; undefined parts mean that they cannot. */
export interface Path {
  readonly link: Link | undefined;
  readonly source: IpAddress;
  /** 224.0.0.18 unless configured; not used with unicast peers. */
  readonly group: IpAddress;
}

/** The socket and the prebuilt packets of one instance. */
export class Advertiser implements Disposable {
  readonly #endpoints: Endpoints;
  readonly #log: Log;
  readonly #onAdvert: Subscriber["onAdvert"];
  readonly #refused = new Map<IpAddress, number>();
  #name = "";
  #attached: { readonly key: string; readonly attachment: Attachment } | undefined;
  #built: { readonly config: VrrpInstanceConfig; readonly key: string } | undefined;
  #buffers: readonly AdvertBuffer[] = [];
  #id = 0;

  constructor(endpoints: Endpoints, log: Log, onAdvert: Subscriber["onAdvert"]) {
    this.#endpoints = endpoints;
    this.#log = log;
    this.#onAdvert = onAdvert;
  }

  /** Opens, moves or keeps the socket and the packets. @returns what is wrong, undefined when adverts can go */
  prepare(config: VrrpInstanceConfig, path: Path): string | undefined {
    this.#name = config.name;
    this.#build(config, path);
    const endpoint = endpointOf(config, path);
    const key = `${endpoint.kind} ${endpoint.link?.index ?? 0} ${endpoint.address} ${config.unicastPeers.join()}`;
    if (this.#attached?.key === key) return undefined;
    this.close();
    const subscriber = { vrid: config.vrid, peers: config.unicastPeers, onAdvert: this.#onAdvert };
    try {
      this.#attached = { key, attachment: this.#endpoints.attach(endpoint, subscriber) };
      return undefined;
    } catch (error) {
      return problemOf(error); // a fault of the instance: told there, with its name
    }
  }

  #build(config: VrrpInstanceConfig, path: Path): void {
    const key = `${path.source} ${path.group}`;
    if (this.#built?.config === config && this.#built.key === key) return;
    const destinations = config.unicastPeers.length > 0 ? config.unicastPeers : [path.group];
    const spec = {
      version: config.version,
      vrid: config.vrid,
      interval: config.advertInterval,
      addresses: config.virtualAddresses.map((a) => a.address),
      authPass: config.authPass,
      source: path.source,
    };
    const first = priority(config.basePriority);
    this.#buffers = destinations.map((destination) => new AdvertBuffer({ ...spec, destination }, first));
    this.#built = { config, key };
  }

  /** One advert to every destination, out when this returns. Allocates nothing when all goes well; a farewell may fail. */
  send(at: Priority): void {
    const attachment = this.#attached?.attachment;
    if (attachment === undefined) return;
    this.#id = nextId(this.#id);
    for (const buffer of this.#buffers) {
      const errno = attachment.send(buffer.stamp(this.#id, at), buffer.destination);
      if ((errno !== 0 || this.#refused.size > 0) && at !== 0) this.#note(buffer.destination, errno);
    }
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
    this.#log("info", "vrrp.send-failed", sentence, { instance: this.#name, destination, errno });
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
  if (config.unicastPeers.length === 0) return { kind: "multicast", link: path.link, address: path.group };
  return { kind: "unicast", link: path.link, address: path.source };
}
