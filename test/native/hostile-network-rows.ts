import { plainTls, urlOf } from "./probe-spec.js";

/**
 * What a network does to checks instead of carrying them: hostile-network.test.ts judges these rows, hostile-network-checks.ts runs them
 * in the one network namespace, and hostile_network.py is everybody else in the other one. An address says what happens to it.
 */
export interface NetworkRow {
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** `outcome stage`; several where the kernel may tell either. */
  readonly verdicts: readonly string[];
}

/** Where only the time limit ends it. */
export const PATIENCE_MS = 500;
/** Where an answer does: long before this. */
export const LONG_MS = 10_000;

const ping = { kind: "ping", port: 0 };
const udp = {
  kind: "udp",
  exchange: { request: "hello", requireReply: true, reply: "", mask: "", minReply: 0, maxReply: 65_535 },
};
const page = { urls: [urlOf()] };

/** 10.77.1.N: replies to an echo request. */
const replies: readonly (readonly [name: string, verdict: string])[] = [
  ["silence", "timeout connect"],
  ["the right reply", "up connect"],
  ["another sequence number", "timeout connect"],
  ["another identifier", "timeout connect"],
  ["less than a header", "timeout connect"],
  ["a header alone", "up connect"],
  ["another payload", "up connect"],
  ["ten times as long", "up connect"],
  ["the request itself", "timeout connect"],
  ["another type", "timeout connect"],
  ["the right reply, too late", "timeout connect"],
  ["the right reply, fifty times", "up connect"],
  ["other sequence numbers without end", "timeout connect"],
  ["the right one among many others", "up connect"],
  ["the right one from another address", "timeout connect"],
  ["octet by octet", "timeout connect"],
];

/** 10.77.2.N: ICMP errors of a router, and what they mean (RFC 792, RFC 1812 §5.2.7.1). */
const errors: readonly (readonly [name: string, outcome: string])[] = [
  ["network unreachable", "unreachable"],
  ["host unreachable", "unreachable"],
  ["protocol unreachable", "unreachable"],
  ["port unreachable", "refused"],
  ["source route failed", "unreachable"],
  ["network unknown", "unreachable"],
  ["host unknown", "unreachable"],
  ["network prohibited", "unreachable"],
  ["prohibited", "unreachable"],
  ["time exceeded", "unreachable"],
  ["parameter problem", "unreachable"],
  ["source quench", "timeout"],
  ["an error about another packet", "timeout"],
  ["an error that quotes nothing", "timeout"],
  ["an error of an unknown code", "timeout"],
];

const kinds: readonly (readonly [checker: string, spec: Readonly<Record<string, unknown>>, stage: string])[] = [
  ["TCP_CHECK", { kind: "tcp", port: 80 }, "connect"],
  ["HTTP_GET", { ...page, kind: "http", port: 80 }, "connect"],
  ["SSL_GET", { ...page, kind: "https", port: 443, tls: plainTls }, "connect"],
  ["SMTP_CHECK", { ...udp, kind: "smtp", port: 25 }, "connect"],
  ["UDP_CHECK", { ...udp, port: 53 }, "response"],
  ["DNS_CHECK", { ...udp, kind: "dns", port: 53 }, "response"],
  ["PING_CHECK", ping, "connect"],
];

export const rows: readonly NetworkRow[] = [
  ...replies.map(([name, verdict], i): NetworkRow => {
    const spec = { ...ping, address: `10.77.1.${i + 1}` };
    return { name: `PING_CHECK: ${name}`, spec, verdicts: [verdict] };
  }),
  ...kinds.flatMap(([checker, spec, stage]) =>
    errors.map(([name, outcome], i): NetworkRow => {
      const verdicts = [`${outcome} ${stage}`];
      return { name: `${checker}: ${name}`, spec: { ...spec, address: `10.77.2.${i + 1}` }, verdicts };
    }),
  ),
];
