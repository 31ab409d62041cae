import { isIP } from "node:net";
import type { ConnectingCheckConfig, HttpCheckConfig, HttpUrlConfig } from "../main/config/model.js";
import type { ProbeKind, ProbeSpec, ProbeTls, ProbeUrl } from "../native-bindings/probe.js";
import { probeExchange } from "./exchange.js";
import { httpRequest } from "./http-request.js";
import type { RetryRules } from "./policy.js";

/** A check in the engine's terms: bytes and numbers instead of options. */
export function probeSpec(check: ConnectingCheckConfig, rules: RetryRules, groups: readonly number[]): ProbeSpec {
  const { timing, target } = check;
  return {
    kind: probeKindOf(check),
    address: target.address,
    port: check.type === "PING_CHECK" ? 0 : target.port,
    bindAddress: target.bindAddress,
    bindPort: target.bindPort,
    bindInterface: target.bindInterface,
    fwmark: target.fwmark,
    closeWith: closeWith(check),
    timeout: wholeMs(timing.connectTimeout),
    interval: wholeMs(rules.delayLoop),
    quietFailInterval: wholeMs(rules.downDelay),
    jitter: Math.round(rules.jitter),
    urls: isHttp(check) ? check.urls.map((url) => probeUrl(check, url)) : [],
    tls: isHttp(check) ? probeTls(check) : undefined,
    exchange: probeExchange(check),
    groups,
  };
}

const kinds: Readonly<Record<ConnectingCheckConfig["type"], ProbeKind>> = {
  TCP_CHECK: "tcp",
  HTTP_GET: "http",
  SSL_GET: "https",
  PING_CHECK: "ping",
  UDP_CHECK: "udp",
  DNS_CHECK: "dns",
  SMTP_CHECK: "smtp",
};

export const probeKindOf = (check: ConnectingCheckConfig): ProbeKind => kinds[check.type];

const isHttp = (check: ConnectingCheckConfig): check is HttpCheckConfig =>
  check.type === "HTTP_GET" || check.type === "SSL_GET";

/** A mail server that has said good-bye is not to log a reset. */
function closeWith(check: ConnectingCheckConfig): ProbeSpec["closeWith"] {
  if (check.type === "SMTP_CHECK") return "fin";
  return "closeWith" in check ? check.closeWith : "reset";
}

/** Never 0: an interval of nothing would be a loop without end. */
const wholeMs = (delay: number): number => Math.max(1, Math.ceil(delay));

function probeUrl(check: HttpCheckConfig, url: HttpUrlConfig): ProbeUrl {
  const { statusCodes, digest, body, tlsCompliant } = url;
  const request = httpRequest(check.httpProtocol, url);
  return { request, statusCodes, digest, body, serverName: serverName(check, url), tlsCompliant };
}

function probeTls(check: HttpCheckConfig): ProbeTls | undefined {
  if (check.type === "HTTP_GET") return undefined;
  return {
    resumption: check.sessionResumption,
    caFile: check.tls?.caFile,
    certificateFile: check.tls?.certificateFile,
    keyFile: check.tls?.keyFile,
    password: check.tls?.password,
  };
}

/** Only with `enable_sni`: sni_name, else the virtual host. Never an address (RFC 6066 §3). */
export function serverName(check: HttpCheckConfig, url: HttpUrlConfig): string | undefined {
  if (!check.enableSni) return undefined;
  const name = check.sniName ?? url.host;
  const bare = name.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) === 0 && isIP(name) === 0 ? bare : undefined;
}
