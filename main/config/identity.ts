import { createHash } from "node:crypto";
import { unreachable } from "../unreachable.js";
import type { CheckTarget, HttpUrlConfig, VirtualServerConfig } from "./model.js";
import { type BodyPattern, regexOptions, type ServerCheckConfig } from "./model-checks.js";
import type { CheckerTlsConfig } from "./model-lvs.js";

/** Names that stay the same from one configuration to the next, whatever the position in the file. */

/** keepalived's form: `[10.0.0.1]:tcp:80`, `[GROUP]:0` or `FWM 7`; a fwmark service of IPv6 is another service: `FWM 7 inet6`. */
export function virtualServerKey({ service }: Pick<VirtualServerConfig, "service">): string {
  switch (service.kind) {
    case "address":
      return `[${service.address}]:${service.protocol.toLowerCase()}:${service.port}`;
    case "fwmark":
      return service.family === "inet" ? `FWM ${service.fwmark}` : `FWM ${service.fwmark} inet6`;
    case "group":
      return `[${service.group}]:${service.ordinal}`;
    default:
      return unreachable(service);
  }
}

/**
 * What is checked: target and request, not how often; health is remembered under this name, so a changed interval
 * does not forget that a server is down. 32 hex digits of SHA-256.
 */
export function checkIdentity(check: ServerCheckConfig): string {
  const digest = createHash("sha256").update(JSON.stringify(described(check)));
  return digest.digest().toString("hex", 0, 16); // slice() of a longer text would keep that one in memory
}

/** Written out field by field: the order of keys in an object must not matter. */
function described(check: ServerCheckConfig): readonly unknown[] {
  switch (check.type) {
    case "TCP_CHECK":
      return [check.type, ...targetFields(check.target), check.closeWith];
    case "PING_CHECK":
      return [check.type, ...targetFields(check.target)];
    case "UDP_CHECK":
      return [
        check.type,
        ...targetFields(check.target),
        check.payload ?? null,
        check.requireReply,
        check.reply ?? null,
        check.minReplyLength,
        check.maxReplyLength,
      ];
    case "DNS_CHECK":
      return [check.type, ...targetFields(check.target), check.queryType, check.name];
    case "BFD_CHECK":
      return [check.type, check.name];
    case "SMTP_CHECK":
      return [check.type, ...targetFields(check.target), check.heloName];
    case "MISC_CHECK": {
      const { argv, user } = check.command;
      return [check.type, argv, user.uid, user.gid, user.groups ?? null, check.dynamic];
    }
    case "FILE_CHECK":
      return [check.type, check.trackFile, check.weight ?? null, check.reverse ?? null];
    case "HTTP_GET":
    case "SSL_GET":
      return [
        check.type,
        ...targetFields(check.target),
        check.httpProtocol,
        check.enableSni,
        check.enableSni ? (check.sniName ?? null) : null,
        check.closeWith,
        check.sessionResumption,
        tlsFields(check.tls),
        check.urls.map(urlFields),
      ];
    default:
      return unreachable(check);
  }
}

const targetFields = (target: CheckTarget): readonly unknown[] => [
  target.address,
  target.port,
  target.bindAddress ?? null,
  target.bindPort ?? null,
  target.bindInterface ?? null,
  target.fwmark,
];

/** Without the pass phrase: it opens the same key or none, and identities are shown. */
const tlsFields = (tls: CheckerTlsConfig | undefined): readonly unknown[] | null =>
  tls === undefined ? null : [tls.caFile ?? null, tls.certificateFile ?? null, tls.keyFile ?? null];

const urlFields = ({ path, host, digest, statusCodes, body, tlsCompliant }: HttpUrlConfig): readonly unknown[] => [
  path,
  host,
  digest ?? null,
  statusCodes.map(({ from, to }) => [from, to]),
  body === undefined ? null : bodyFields(body),
  tlsCompliant,
];

/** The order of options means nothing. */
const bodyFields = ({ pattern, options, noMatch, minOffset, maxOffset, stack }: BodyPattern): readonly unknown[] => [
  pattern,
  regexOptions.filter((option) => options.includes(option)),
  noMatch,
  minOffset,
  maxOffset ?? null,
  stack === undefined ? null : [stack.start, stack.max],
];
