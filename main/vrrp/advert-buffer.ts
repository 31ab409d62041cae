import { familyOf, type IpAddress } from "../address.js";
import type { Priority } from "../units.js";
import { signAh } from "./ah.js";
import type { ChecksumForm } from "./checksum.js";
import { HMAC_BYTES, type HmacKey, type Sequence, signTrailer } from "./hmac-trailer.js";
import { toGroup } from "./ip-header.js";
import {
  type AdvertLayout,
  type AdvertSpec,
  authData,
  encodeAdvert,
  layoutOf,
  stampChecksum,
  stampId,
  stampPriority,
} from "./packet.js";

/**
 * The advert to one destination, built once: on the steady path only the IP identification is patched, and signatures where
 * there are any. Its buffer is the same each time: the next call overwrites it.
 */
export class AdvertBuffer {
  readonly destination: IpAddress;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #layout: AdvertLayout;
  readonly #form: ChecksumForm;
  readonly #key: Uint8Array;
  readonly #unicast: boolean;
  #priority: Priority;

  constructor(spec: AdvertSpec, priority: Priority) {
    this.destination = spec.destination;
    this.#priority = priority;
    this.#bytes = encodeAdvert(spec, priority, 0);
    this.#layout = layoutOf({ ...spec, family: familyOf(spec.source), count: spec.addresses.length });
    this.#form = spec.checksum ?? "standard";
    this.#key = authData(spec.authPass);
    this.#unicast = !toGroup(this.#bytes);
  }

  /** Octets, IP header included. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The packet to send now, unless it is still to be signed. */
  stamp(id: number, priority: Priority): Uint8Array {
    if (priority !== this.#priority) {
      stampPriority(this.#bytes, priority, this.#layout, this.#form);
      this.#priority = priority;
    }
    stampId(this.#bytes, id);
    return this.#bytes;
  }

  /** auth_type AH: after `stamp`, whose identification is part of what is signed. */
  signAh(sequence: number): void {
    signAh(this.#bytes, { key: this.#key, sequence, unicast: this.#unicast });
  }

  /** auth_hmac: after `stamp`. @returns the trailer, which holds for every other destination too */
  signHmac(key: HmacKey, sequence: Sequence): Uint8Array {
    signTrailer(this.#bytes, this.#layout, key, sequence);
    this.#sum();
    return this.#bytes.subarray(this.#layout.end, this.#layout.end + HMAC_BYTES);
  }

  attach(trailer: Uint8Array): void {
    this.#bytes.set(trailer, this.#layout.end);
    this.#sum();
  }

  /** Over IPv6 the trailer is part of what is summed. */
  #sum(): void {
    if (this.#layout.summed === this.#layout.length)
      stampChecksum(this.#bytes, this.#layout.message, this.#layout.summed, this.#form);
  }
}

/** Identification of the next advert: counts 1..65535, never 0 (the kernel would choose its own). */
export const nextId = (id: number): number => (id >= 0xffff ? 1 : id + 1);
