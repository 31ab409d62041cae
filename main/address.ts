import { isIP } from "node:net";

/** An IPv4 or IPv6 address in canonical text (lower case, compressed), as inet_ntop prints it. */
export type IpAddress = string & { readonly ip?: never };
export type Family = "inet" | "inet6";

/** @throws RangeError when `text` is neither an IPv4 nor an IPv6 address. */
export function familyOf(text: IpAddress): Family {
  if (isDottedQuad(text)) return "inet";
  const version = isIP(text);
  if (version === 0) throw new RangeError(`not an IP address: ${text}`);
  return version === 4 ? "inet" : "inet6";
}

/** Four numbers of 0 to 255 without leading zeros, as inet_pton(3) takes them. net.isIPv4 is ten times slower. */
export function isDottedQuad(text: string): boolean {
  let dots = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (digits === 0 || ++dots > 3) return false;
      digits = 0;
      value = 0;
    } else if (code >= 48 && code <= 57 && (digits === 0 || value !== 0)) {
      digits++;
      value = value * 10 + code - 48;
      if (value > 255) return false;
    } else return false;
  }
  return dots === 3 && digits > 0;
}
