import { IPPROTO_AH, ipHeaderBytes } from "./ip-header.js";
import { decodeAdvert, messageBytes, type ReceivedAdvert } from "./packet.js";

/**
 * The last advert that was of use. A master says the same again and again: of such an advert only the identification and the
 * checksum of its IPv4 header are new, and it need not be taken apart into new objects a thousand times a second. They would live for
 * an interval each, and so grow old.
 */
export class KnownAdvert {
  #advert: ReceivedAdvert | undefined;

  /** @returns the advert that the packet holds; undefined: no advert. The same object as long as the same is said */
  read(packet: Uint8Array): ReceivedAdvert | undefined {
    if (this.#advert !== undefined && saysTheSame(this.#advert.bytes, packet)) return this.#advert;
    const decoded = decodeAdvert(packet);
    return decoded.ok ? decoded.advert : undefined;
  }

  /** Its bytes are valid only while it is handled, so they are copied; useless adverts may come as a flood, and are not worth it. */
  keep(advert: ReceivedAdvert): void {
    // Not slice(): of a Buffer that is a view, of memory that the next packet overwrites.
    if (advert !== this.#advert && canComeAgain(advert))
      this.#advert = { ...advert, bytes: new Uint8Array(advert.bytes) };
  }
}

/** One that is signed never does: its sequence number grows. */
function canComeAgain({ bytes, family, version, protocol, messageAt, addressCount }: ReceivedAdvert): boolean {
  if (protocol === IPPROTO_AH || (version !== 2 && version !== 3)) return false;
  return bytes.length === messageAt + messageBytes(family, version, addressCount);
}

const IDENTIFICATION = 4;
const CHECKSUM = 10;
const HALF_WORD = 2;

/** Whatever else is in the packet is compared. */
function saysTheSame(known: Uint8Array, packet: Uint8Array): boolean {
  if (known.length !== packet.length) return false;
  const isIpv4 = (known[0] ?? 0) >>> 4 === 4 && known.length >= ipHeaderBytes("inet");
  if (!isIpv4) return equal(known, packet, 0, known.length);
  return (
    equal(known, packet, 0, IDENTIFICATION) &&
    equal(known, packet, IDENTIFICATION + HALF_WORD, CHECKSUM) &&
    equal(known, packet, CHECKSUM + HALF_WORD, known.length)
  );
}

/** No views: they would be what is to be saved. */
function equal(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (a[i] !== b[i]) return false;
  return true;
}
