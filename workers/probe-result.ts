import { getSystemErrorName } from "node:util";
import type { Milliseconds } from "../main/units.js";
import type { ProbeKind, Reason, Stage } from "../native-bindings/probe.js";
import { type Outcome, outcomes } from "./protocol.js";

/** What one attempt found, in the engine's words (struct Result in native-bindings/probe/engine.h). */
export interface ProbeResult {
  readonly slot: number;
  readonly arming: number;
  readonly outcome: Outcome;
  readonly stage: Stage;
  readonly reason: Reason;
  /** Index of the URL that was asked for. */
  readonly url: number;
  /** See `Reason` in native-bindings/probe/verdict.h. */
  readonly detail: number;
  /** HTTP status code received, 0 if none. */
  readonly status: number;
  /** From the first SYN to the verdict. */
  readonly latency: Milliseconds;
  /** Of the body, where a digest was asked for; 32 hex digits. */
  readonly md5: string;
}

/** The tables of native-bindings/probe.ts: handed in, so that results can be read without the add-on. */
export interface ProbeVocabulary {
  readonly stages: readonly Stage[];
  readonly reasons: readonly Reason[];
  readonly resultWords: number;
  /** OpenSSL's words for a code. */
  readonly tlsErrorText: (code: number) => string;
}

/** @throws RangeError when the words make no sense: this and the add-on are of different versions */
export function readResult(results: Uint32Array<ArrayBuffer>, at: number, words: ProbeVocabulary): ProbeResult {
  const [slot = 0, arming = 0, packed = 0, detail = 0, status = 0] = results.subarray(at, at + 5);
  const outcome = outcomes[packed & 0xff];
  const stage = words.stages[(packed >>> 8) & 0xf];
  const reason = words.reasons[(packed >>> 12) & 0xf];
  if (outcome === undefined || stage === undefined || reason === undefined)
    throw new RangeError(`result ${packed.toString(16)} of slot ${slot} is unknown`);
  const latency = ((results[at + 8] ?? 0) / 1000) as Milliseconds;
  const md5 = outcome === "bad-digest" ? hexOf(results, at + 9) : "";
  return { slot, arming, outcome, stage, reason, url: packed >>> 16, detail, status, latency, md5 };
}

const hexOf = (words: Uint32Array<ArrayBuffer>, at: number): string =>
  Buffer.from(words.buffer, words.byteOffset + at * 4, 16).toString("hex");

/** Why an attempt failed, see `FailedAttempt.detail`; empty on success. */
export function failureText(kind: ProbeKind, result: ProbeResult, words: ProbeVocabulary): string {
  return result.outcome === "up" ? "" : printable(textOf(kind, result, words));
}

function textOf(kind: ProbeKind, result: ProbeResult, words: ProbeVocabulary): string {
  if (result.reason === "engine") return `No resources for the attempt: ${errnoText(result.detail)}`;
  switch (result.outcome) {
    case "bad-status":
      return `HTTP status code error, status_code [${result.status}]`;
    case "bad-digest":
      return `MD5 digest error, MD5SUM [${result.md5}]`;
    case "no-match":
      return matchText(result);
    case "timeout":
      if (result.reason !== "errno") return lateText(kind, result.stage);
      break;
    case "bad-response":
      return responseText(kind, result);
    default:
      break;
  }
  if (kind === "udp" || kind === "dns") return `Datagram failed: ${errnoText(result.detail)}`;
  if (kind === "smtp" && result.stage === "response")
    return `Connection to the mail server failed: ${errnoText(result.detail)}`;
  if (kind === "ping") return `Echo request failed: ${errnoText(result.detail)}`;
  if (result.stage === "connect") return `Connection failed: ${errnoText(result.detail)}`;
  if (result.stage === "handshake" && result.reason === "closed") return "Closed in TLS handshake";
  const why = result.reason === "tls" ? words.tlsErrorText(result.detail) : errnoText(result.detail);
  return `${result.stage === "handshake" ? "TLS handshake" : "HTTP read"} failed: ${why}`;
}

const lateIn: Readonly<Record<Stage, string>> = {
  connect: "Timeout connecting",
  handshake: "Timeout in TLS handshake",
  response: "Timeout HTTP read",
};

function lateText(kind: ProbeKind, stage: Stage): string {
  switch (kind) {
    case "ping":
      return "Timeout waiting for the echo reply";
    case "udp":
    case "dns":
      return "Timeout waiting for the reply";
    case "smtp":
      return stage === "connect" ? lateIn.connect : "Timeout waiting for the mail server's reply";
    default:
      return lateIn[stage];
  }
}

/** What the dialogue with a mail server waited for (SmtpDialogue::Stage in native-bindings/probe/smtp_dialogue.h). */
const smtpStages = ["the greeting, 220", "HELO, 250", "QUIT"];

/** RFC 1035 §4.1.1. */
const rcodes = ["", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

function responseText(kind: ProbeKind, { reason, detail, status }: ProbeResult): string {
  if (kind === "smtp") {
    const wanted = smtpStages[detail] ?? "a reply";
    if (reason === "reply-code")
      return status === 0
        ? `No SMTP reply where ${wanted} was expected`
        : `Reply ${status} where ${wanted} was expected`;
    if (reason === "long-header") return `Reply too long where ${wanted} was expected`;
    return `Closed by the mail server where ${wanted} was expected`;
  }
  switch (reason) {
    case "reply-code":
      return `DNS answer with RCODE ${detail}${rcodes[detail] ? ` (${rcodes[detail]})` : ""}`;
    case "mismatch":
      return "UDP check reply data mismatch";
    case "wrong-length":
      return `UDP check reply of ${detail} octets is shorter or longer than configured`;
    case "no-data":
      return "Read, no data received";
    case "no-header":
      return "No HTTP header in response";
    case "long-header":
      return "Response header longer than 4095 bytes";
    case "long-body":
      return "Body longer than 16777216 bytes, digest given up";
    case "errno":
      return `HTTP read failed: ${errnoText(detail)}`;
    default:
      return "HTTP read failed: the answer is not complete";
  }
}

function matchText({ reason, detail }: ProbeResult): string {
  switch (reason) {
    case "unwanted-match":
      return "Regex match failed: the page has what regex_no_match forbids";
    case "match-limit":
      return `Regex match failed: given up at a limit of the search (PCRE2 error ${detail | 0})`;
    case "long-body":
      return "Regex match failed: body too long, search given up";
    default:
      return "Regex match failed";
  }
}

function errnoText(errno: number): string {
  if (errno === 0) return "unknown error";
  const name = getSystemErrorName(-errno);
  return name.startsWith("Unknown") ? `errno ${errno}` : name;
}

/** Fit for a log line, whatever came from outside: printable, one line, at most 200 characters. */
export const printable = (text: string): string => text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200);
