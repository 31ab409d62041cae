import type { CheckEdge, FailedAttempt, Outcome } from "../../workers/protocol.js";
import type { CheckConfig, HttpCheckConfig } from "../config/model.js";
import { unreachable } from "../unreachable.js";

/** HTTP_CHECK and SSL_CHECK: keepalived's log does not use the keywords of its configuration. */
const httpName = (check: HttpCheckConfig): string => (check.type === "SSL_GET" ? "SSL_CHECK" : "HTTP_CHECK");

/**
 * keepalived's log lines for an edge, in its order.
 * @param service the real server's name, see names.ts
 * @param wasDown the checker was down before: only then it tells of each URL
 */
export function edgeSentences(check: CheckConfig, service: string, edge: CheckEdge, wasDown: boolean): string[] {
  switch (check.type) {
    case "TCP_CHECK":
      return [edge.up ? `TCP connection to ${service} success.` : failed("TCP_CHECK", service, edge.retries)];
    case "HTTP_GET":
    case "SSL_GET":
      if (!edge.up) return [failed(httpName(check), service, edge.retries)];
      return [...(wasDown ? urlSentences(check, service) : []), `Remote Web server ${service} succeed on service.`];
    default:
      return unreachable(check);
  }
}

function failed(name: string, service: string, retries: number): string {
  return `${name} on service ${service} failed${retries > 0 ? ` after ${retries} retries` : ""}.`;
}

function urlSentences(check: HttpCheckConfig, service: string): string[] {
  return check.urls.map(({ path, digest }) => {
    const what = digest === undefined ? "HTTP status code" : "MD5 digest";
    return `${what} success to ${service} url(${path}).`;
  });
}

/** A failed attempt that changed nothing (log_all_failures), or one that could not be made at all. Ours. */
export function attemptSentence(check: CheckConfig, service: string, attempt: FailedAttempt): string {
  const name = check.type === "TCP_CHECK" ? check.type : httpName(check);
  const what = attempt.outcome === "no-resources" ? "could not be made" : "attempt failed";
  return `${name} on service ${service} ${what}: ${attempt.detail}.`;
}

/** Why a check went down, for the person who looks. Ours; keepalived leaves the reason out. */
export function reasonSentence(check: CheckConfig, service: string, { outcome, status }: CheckEdge): string {
  const { address, port } = check.target;
  const reason = outcome === "bad-status" ? `HTTP status ${status === 0 ? "line missing" : status}` : reasons[outcome];
  return `Check of ${service} at [${address}]:${port}: ${reason}`;
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
  "no-resources": "no socket for the check - raise the limit of open files",
};

/** Body of the mail about a checker. */
export function mailBody(check: CheckConfig, up: boolean): string {
  if (check.type === "TCP_CHECK") return `=> TCP CHECK ${up ? "succeed" : "failed"} on service <=`;
  if (up) return "=> CHECK succeed on service <=";
  return `=> CHECK failed on service : ${check.type === "SSL_GET" ? "SSL" : "HTTP"} request failed <=`;
}
