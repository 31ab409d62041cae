import type { CheckEdge, FailedAttempt, Outcome } from "../../workers/protocol.js";
import type { CheckConfig, HttpCheckConfig } from "../config/model.js";
import { unreachable } from "../unreachable.js";

/** keepalived's log does not always use the keywords of its configuration. */
const logNames: Readonly<Record<CheckConfig["type"], string>> = {
  TCP_CHECK: "TCP_CHECK",
  HTTP_GET: "HTTP_CHECK",
  SSL_GET: "SSL_CHECK",
  PING_CHECK: "ICMP CHECK",
};

/** See names.ts. */
export interface ServerNames {
  readonly realServer: string;
  readonly virtualServer: string;
}

/**
 * keepalived's log lines for an edge, in its order.
 * @param wasDown the checker was down before: only then it tells of each URL
 */
export function edgeSentences(check: CheckConfig, names: ServerNames, edge: CheckEdge, wasDown: boolean): string[] {
  const service = names.realServer;
  switch (check.type) {
    case "TCP_CHECK":
      return [edge.up ? `TCP connection to ${service} success.` : failed(logNames.TCP_CHECK, service, edge.retries)];
    case "PING_CHECK":
      return [edge.up ? `ICMP connection to ${service} success.` : pingFailed(names, edge.retries)];
    case "HTTP_GET":
    case "SSL_GET":
      if (!edge.up) return [failed(logNames[check.type], service, edge.retries)];
      return [...(wasDown ? urlSentences(check, service) : []), `Remote Web server ${service} succeed on service.`];
    default:
      return unreachable(check);
  }
}

function failed(name: string, service: string, retries: number): string {
  return `${name} on service ${service} failed${retries > 0 ? ` after ${retries} retries` : ""}.`;
}

/** The one sentence that names the virtual server too, and only after retries. */
const pingFailed = ({ realServer, virtualServer }: ServerNames, retries: number): string =>
  failed(logNames.PING_CHECK, retries > 0 ? `${realServer} of ${virtualServer}` : realServer, retries);

/** What each URL was judged by last. */
function urlSentences(check: HttpCheckConfig, service: string): string[] {
  return check.urls.map(({ path, digest, body }) => {
    const what = body !== undefined ? "Regex match" : digest !== undefined ? "MD5 digest" : "HTTP status code";
    return `${what} success to ${service} url(${path}).`;
  });
}

/** A failed attempt that changed nothing (log_all_failures), or one that could not be made at all. Ours. */
export function attemptSentence(check: CheckConfig, service: string, attempt: FailedAttempt): string {
  const name = logNames[check.type];
  const what = attempt.outcome === "no-resources" ? "could not be made" : "attempt failed";
  const others = attempt.others === undefined ? "" : ` (and ${attempt.others} other attempts within a second)`;
  return `${name} on service ${service} ${what}${others}: ${attempt.detail}.`;
}

/** Why a check went down, for the person who looks. Ours; keepalived leaves the reason out. */
export function reasonSentence(check: CheckConfig, service: string, { outcome, status }: CheckEdge): string {
  const { address, port } = check.target;
  const reason = outcome === "bad-status" ? `HTTP status ${status === 0 ? "line missing" : status}` : reasons[outcome];
  const place = check.type === "PING_CHECK" ? `[${address}]` : `[${address}]:${port}`;
  return `Check of ${service} at ${place}: ${reason}`;
}

const reasons: Readonly<Record<Outcome, string>> = {
  up: "passed",
  refused: "connection refused - does the service run?",
  unreachable: "no route to it, or its host does not answer ARP",
  timeout: "no answer in time (connect_timeout)",
  reset: "connection reset before the answer was complete",
  "bad-status": "wrong HTTP status",
  "bad-digest": "the body's MD5 is not the configured digest",
  "bad-response": "the answer is not HTTP, or too long",
  "tls-error": "TLS handshake failed",
  "no-match": "the page is not what the configured regex asks for",
  "no-resources": "no socket for the check - raise the limit of open files",
};

/** Body of the mail about a checker. */
export function mailBody(check: CheckConfig, up: boolean): string {
  if (check.type === "TCP_CHECK") return `=> TCP CHECK ${up ? "succeed" : "failed"} on service <=`;
  if (check.type === "PING_CHECK") return `=> ICMP CHECK ${up ? "succeed" : "failed"} on service <=`;
  if (up) return "=> CHECK succeed on service <=";
  return `=> CHECK failed on service : ${check.type === "SSL_GET" ? "SSL" : "HTTP"} request failed <=`;
}
