import type { IpAddress } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";

/** Orders two addresses of one family as the election does: big-endian numbers (RFC 5798 §6.4.3). */
export const compareIp = (a: IpAddress, b: IpAddress): -1 | 0 | 1 =>
  a === b ? 0 : Buffer.compare(bytesOfIp(a), bytesOfIp(b));
