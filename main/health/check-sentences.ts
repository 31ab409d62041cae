import { type CheckEdge, type FailedAttempt, type Outcome, scriptReason } from "../../workers/protocol.js";
import type { CheckConfig, ConnectingCheckConfig, HttpCheckConfig } from "../config/model.js";
import type { FileCheckConfig, ServerCheckConfig } from "../config/model-checks.js";
import { unreachable } from "../unreachable.js";

/** keepalived's log does not always use the keywords of its configuration. */
const logNames: Readonly<Record<CheckConfig["type"], string>> = {
  TCP_CHECK: "TCP_CHECK",
  HTTP_GET: "HTTP_CHECK",
  SSL_GET: "SSL_CHECK",
  PING_CHECK: "ICMP CHECK",
  UDP_CHECK: "UDP_CHECK",
  DNS_CHECK: "DNS_CHECK",
  SMTP_CHECK: "SMTP_CHECK",
  MISC_CHECK: "Misc check",
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
export function edgeSentences(
  check: ServerCheckConfig,
  names: ServerNames,
  edge: CheckEdge,
  wasDown: boolean,
): string[] {
  const service = names.realServer;
  switch (check.type) {
    case "TCP_CHECK":
      return [edge.up ? `TCP connection to ${service} success.` : failed(logNames.TCP_CHECK, service, edge.retries)];
    case "UDP_CHECK":
      return [edge.up ? `UDP connection to ${service} success.` : failed(logNames.UDP_CHECK, service, edge.retries)];
    case "SMTP_CHECK":
      return [
        edge.up
          ? `Remote SMTP server ${service} succeed on service.`
          : failed(logNames.SMTP_CHECK, service, edge.retries),
      ];
    case "DNS_CHECK":
      return [`DNS_CHECK (${service}) ${edge.up ? "success" : dnsFailed(edge)}`];
    case "BFD_CHECK":
      return [`BFD check of [${check.name}] RS(${service}) is ${edge.up ? "UP" : "DOWN"}`];
    case "PING_CHECK":
      return [edge.up ? `ICMP connection to ${service} success.` : pingFailed(names, edge.retries)];
    case "FILE_CHECK":
      return edge.up && !wasDown ? [] : [fileSentence(check, names, edge.up)];
    case "MISC_CHECK":
      return [`${scriptName(check, names)} ${scriptEnd(check, edge)}.`];
    case "HTTP_GET":
    case "SSL_GET":
      if (!edge.up) return [failed(logNames[check.type], service, edge.retries)];
      return [...(wasDown ? urlSentences(check, service) : []), `Remote Web server ${service} succeed on service.`];
    default:
      return unreachable(check);
  }
}

const fileSentence = ({ trackFile }: FileCheckConfig, { realServer }: ServerNames, up: boolean): string =>
  `(${realServer}): tracked file ${trackFile} ${up ? "leaving" : "now"} FAULT state`;

type MiscCheck = Extract<CheckConfig, { type: "MISC_CHECK" }>;

const scriptName = ({ command }: MiscCheck, { realServer, virtualServer }: ServerNames): string =>
  `Misc check for [${realServer} VS ${virtualServer}] by [${command.argv[0]}]`;

function scriptEnd({ timing }: MiscCheck, { up, outcome, status }: CheckEdge): string {
  if (up) return "succeeded";
  const retries = timing.retry === 0 ? " with retry disabled" : ` after ${timing.retry} retries`;
  return `${outcome === "timeout" ? "timed out" : "failed"}${retries}${scriptReason(outcome, status)}`;
}

function failed(name: string, service: string, retries: number): string {
  return `${name} on service ${service} failed${retries > 0 ? ` after ${retries} retries` : ""}.`;
}

/** As keepalived says it where it has words for it. `status` is the RCODE. */
function dnsFailed({ outcome, status, retries }: CheckEdge): string {
  const after = retries > 0 ? ` after ${retries} retries` : "";
  if (outcome === "timeout") return `read timeout from socket${after}`;
  return `${outcome === "bad-response" ? `read error occurred. (rcode = ${status})` : "failed"}${after}`;
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
export function attemptSentence(check: CheckConfig, names: ServerNames, attempt: FailedAttempt): string {
  const service = names.realServer;
  if (check.type === "MISC_CHECK" && attempt.outcome !== "no-resources")
    return `${scriptName(check, names)} ${attempt.detail}.`;
  const name = logNames[check.type];
  const what = attempt.outcome === "no-resources" ? "could not be made" : "attempt failed";
  const others = attempt.others === undefined ? "" : ` (and ${attempt.others} other attempts within a second)`;
  return `${name} on service ${service} ${what}${others}: ${attempt.detail}.`;
}

/** Why a check went down, for the person who looks. Ours; keepalived leaves the reason out. */
export function reasonSentence(check: ConnectingCheckConfig, service: string, { outcome, status }: CheckEdge): string {
  const { address, port } = check.target;
  const reason = reasonOf(check, outcome, status);
  const place = check.type === "PING_CHECK" ? `[${address}]` : `[${address}]:${port}`;
  return `Check of ${service} at ${place}: ${reason}`;
}

/** Why a check failed, in a few words. */
export function failureReason(check: ServerCheckConfig, edge: CheckEdge): string {
  switch (check.type) {
    case "FILE_CHECK":
      return `the number in tracked file ${check.trackFile} says so`;
    case "BFD_CHECK":
      return `the session ${check.name} is down`;
    case "MISC_CHECK":
      return scriptEnd(check, edge);
    default:
      return reasonOf(check, edge.outcome, edge.status);
  }
}

function reasonOf({ type }: ConnectingCheckConfig, outcome: Outcome, status: number): string {
  if (outcome === "bad-status") return `HTTP status ${status === 0 ? "line missing" : status}`;
  if (outcome === "bad-response" && type in otherResponses)
    return otherResponses[type as keyof typeof otherResponses](status);
  return outcome === "timeout" && type === "DNS_CHECK"
    ? "no answer to the query in time (connect_timeout)"
    : reasons[outcome];
}

/** `bad-response` of what is not HTTP. */
const otherResponses = {
  UDP_CHECK: () => "the reply is not the one configured (require_reply, min_reply_length, max_reply_length)",
  DNS_CHECK: () => "the name server refuses the query, or cannot answer it - try dig",
  SMTP_CHECK: (code: number) => (code === 0 ? "it hangs up, or what it says is not SMTP" : `SMTP reply ${code}`),
} as const;

const reasons: Readonly<Record<Outcome, string>> = {
  up: "passed",
  refused: "connection refused - does the service run?",
  unreachable: "no route to it, or its host does not answer ARP",
  timeout: "no answer in time (connect_timeout)",
  reset: "connection reset before the answer was complete",
  "bad-status": "wrong HTTP status",
  "bad-digest": "the body's MD5 is not the configured digest",
  "bad-response": "closed without an answer, or with one that is not HTTP or too long",
  "tls-error": "TLS handshake failed",
  "no-match": "the page is not what the configured regex asks for",
  "no-resources": "no socket for the check - raise the limit of open files",
  "exit-status": "exited with another status than 0",
  signal: "ended by a signal",
  "not-started": "the program cannot be started",
};

/** Body of the mail about a checker. */
export function mailBody(
  check: ServerCheckConfig,
  { up, outcome, status }: Pick<CheckEdge, "up" | "outcome" | "status">,
): string {
  if (check.type === "BFD_CHECK") return `=> BFD CHECK ${check.name} ${up ? "succeeded" : "failed"} on service <=`;
  if (check.type === "MISC_CHECK")
    return `=> MISC CHECK ${up ? "succeeded" : outcome === "timeout" ? "timed out" : "failed"} on service <=`;
  if (check.type === "FILE_CHECK") return `=> FILE CHECK ${up ? "succeeded" : "failed"} on service <=`;
  if (check.type === "TCP_CHECK") return `=> TCP CHECK ${up ? "succeed" : "failed"} on service <=`;
  if (check.type === "UDP_CHECK") return `=> UDP CHECK ${up ? "succeed" : "failed"} on service <=`;
  if (check.type === "DNS_CHECK") return `=> DNS_CHECK: ${up ? "succeed" : "failed"} on service <=`;
  if (check.type === "PING_CHECK") return `=> ICMP CHECK ${up ? "succeed" : "failed"} on service <=`;
  if (up) return "=> CHECK succeed on service <=";
  if (check.type === "SMTP_CHECK") return `=> CHECK failed on service : ${reasonOf(check, outcome, status)} <=`;
  return `=> CHECK failed on service : ${check.type === "SSL_GET" ? "SSL" : "HTTP"} request failed <=`;
}
