import type { IpAddress } from "../address.js";
import type { Priority } from "../units.js";
import { type AdvertSpec, encodeAdvert, stampId, stampPriority } from "./packet.js";

/** The advert to one destination, built once: on the steady path only the IP identification is patched. */
export class AdvertBuffer {
  readonly destination: IpAddress;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #priority: Priority;

  constructor(spec: AdvertSpec, priority: Priority) {
    this.destination = spec.destination;
    this.#priority = priority;
    this.#bytes = encodeAdvert(spec, priority, 0);
  }

  /** The packet to send now. The same buffer each time: it is overwritten by the next call. */
  stamp(id: number, priority: Priority): Uint8Array {
    if (priority !== this.#priority) {
      stampPriority(this.#bytes, priority);
      this.#priority = priority;
    }
    stampId(this.#bytes, id);
    return this.#bytes;
  }
}

/** Identification of the next advert: counts 1..65535, never 0 (the kernel would choose its own). */
export const nextId = (id: number): number => (id >= 0xffff ? 1 : id + 1);
