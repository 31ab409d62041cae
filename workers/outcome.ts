import type { Milliseconds } from "../main/units.js";
import type { Outcome } from "./protocol.js";

/**
 * What connect(2) or read(2) says of the server. The list is keepalived's: these errors fail the check, any other one
 * (EMFILE, EADDRNOTAVAIL, EPERM of a local firewall ...) is our own trouble and says nothing of the server.
 */
const byErrno: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: "refused",
  ENETUNREACH: "unreachable",
  EHOSTUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETDOWN: "unreachable",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ETIMEDOUT: "timeout",
};

export const outcomeOfErrno = (code: string): Outcome => byErrno[code] ?? "no-resources";

/** errno or OpenSSL code of an error of node:net or node:tls; "EUNKNOWN" if it has none. */
export function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "EUNKNOWN";
}

/** Fit for `FailedAttempt.detail`, whatever a server put into it: printable, one line, at most 200 characters. */
export const detailText = (text: string): string => text.replace(/[^\x20-\x7e]+/g, " ").slice(0, 200);

/** Monotonic milliseconds with one origin for all threads of the process (CLOCK_MONOTONIC). */
export function monotonicMs(): Milliseconds {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1000 + nanoseconds / 1e6) as Milliseconds;
}
