import type { CheckConfig } from "../main/config/model.js";
import type { ProbeExchange } from "../native-bindings/probe.js";

type UdpCheckConfig = Extract<CheckConfig, { type: "UDP_CHECK" }>;
type DnsCheckConfig = Extract<CheckConfig, { type: "DNS_CHECK" }>;

/** What UDP_CHECK, DNS_CHECK and SMTP_CHECK say, and want to hear; undefined for other checks. */
export function probeExchange(check: CheckConfig): ProbeExchange | undefined {
  switch (check.type) {
    case "UDP_CHECK":
      return udpExchange(check);
    case "DNS_CHECK":
      return { ...anyReply, request: dnsQuery(check), requireReply: true };
    case "SMTP_CHECK":
      return { ...anyReply, request: check.heloName, requireReply: true };
    default:
      return undefined;
  }
}

const longest = 0xffff;
const anyReply = { reply: "", mask: "", minReply: 0, maxReply: longest } as const;

/** keepalived's, as seen on the wire: these words again and again, 32 octets. */
const usualPayload = "keepalived check - ".repeat(2).slice(0, 32);

/** Lengths count where a reply is given, or where they are not what they are by default. */
function udpExchange(check: UdpCheckConfig): ProbeExchange {
  const { payload, requireReply, reply, minReplyLength, maxReplyLength } = check;
  const countsLength = reply !== undefined || minReplyLength !== 0 || maxReplyLength !== 255;
  return {
    request: payload === undefined ? usualPayload : Buffer.from(payload, "hex").toString("latin1"),
    requireReply,
    // An `x` stands for any four bits.
    reply: Buffer.from((reply ?? "").replaceAll("x", "0"), "hex").toString("latin1"),
    mask: Buffer.from((reply ?? "").replace(/[^x]/g, "f").replaceAll("x", "0"), "hex").toString("latin1"),
    minReply: countsLength ? minReplyLength : 0,
    maxReply: countsLength ? maxReplyLength : longest,
  };
}

/** RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 4034. */
const typeNumbers: Readonly<Record<DnsCheckConfig["queryType"], number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  RRSIG: 46,
  DNSKEY: 48,
};

/** A query (RFC 1035 §4.1) with id 0: one question of class IN, recursion desired. */
export function dnsQuery({ name, queryType }: Pick<DnsCheckConfig, "name" | "queryType">): string {
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split(".").filter((label) => label !== "");
  const encoded = labels.map((label) => {
    const octets = Buffer.from(label, "latin1").subarray(0, 63);
    return Buffer.concat([Buffer.from([octets.length]), octets]);
  });
  const type = typeNumbers[queryType];
  return Buffer.concat([header, ...encoded, Buffer.from([0, type >> 8, type & 0xff, 0, 1])]).toString("latin1");
}
