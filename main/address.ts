import { isIP } from "node:net";

/** An IPv4 or IPv6 address in canonical text (lower case, compressed), as inet_ntop prints it. */
export type IpAddress = string & { readonly ip?: never };
export type Family = "inet" | "inet6";

/** @throws RangeError when `text` is neither an IPv4 nor an IPv6 address. */
export function familyOf(text: IpAddress): Family {
  const version = isIP(text);
  if (version === 0) throw new RangeError(`not an IP address: ${text}`);
  return version === 4 ? "inet" : "inet6";
}
