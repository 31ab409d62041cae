import { IPPROTO_VRRP } from "./ip-header.js";

/**
 * What the checksum of a version 3 advert over IPv4 covers besides the message. `standard`: source, destination, protocol and
 * length (RFC 5798 §5.2.8). `as-v2`: nothing, as in version 2. A `group`, 4 octets: as if that were the destination, which is
 * how keepalived before 1.3.7 did it for unicast.
 */
export type ChecksumForm = "standard" | "as-v2" | Uint8Array;

/**
 * Checksum of the VRRP message in `packet[from, to)`; 0 when it is right already. Over IPv6 it always covers a pseudo header
 * (RFC 8200 §8.1), in version 2 over IPv4 never.
 */
export function advertChecksum(
  version: number,
  packet: Uint8Array,
  from: number,
  to: number,
  form: ChecksumForm = "standard",
): number {
  let sum = 0;
  if ((packet[0] ?? 0) >>> 4 === 6) sum = IPPROTO_VRRP + (to - from) + words(packet, 8, 40);
  else if (version === 3 && form !== "as-v2") {
    sum = IPPROTO_VRRP + (to - from) + words(packet, 12, 16);
    sum += form === "standard" ? words(packet, 16, 20) : words(form, 0, 4);
  }
  sum += words(packet, from, to);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** A last odd octet counts as the high half of a word (RFC 1071 §4.1). */
function words(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i += 2) sum += ((bytes[i] ?? 0) << 8) | (i + 1 < to ? (bytes[i + 1] ?? 0) : 0);
  return sum;
}
