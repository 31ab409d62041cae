import type { MailConfig } from "../config/model.js";
import { unreachable } from "../unreachable.js";

/** A mail as it is handed to the mail thread: complete but for what nodemailer adds (Date, Message-ID, MIME headers). */
export interface Letter {
  readonly subject: string;
  readonly body: string;
}

export type Delivery =
  | { readonly kind: "sent"; readonly rejected: readonly string[] }
  /** `cause`: the system's or library's words. */
  | { readonly kind: "unreachable" | "connect-timeout" | "reply-timeout" | "broken"; readonly cause: string }
  /** A reply with another code than the dialogue needs. */
  | { readonly kind: "refused"; readonly command: string; readonly status: number; readonly cause: string };

/** Every reply may take `connectTimeout`; the whole dialogue at most this many times as long. */
const DIALOGUE_TIMEOUTS = 4;

/**
 * Sends one mail to all recipients over a connection of its own, in plain text like keepalived (no STARTTLS, no login).
 * One rejected recipient does not keep the others from getting it. nodemailer is loaded with the first call.
 */
export async function deliver(config: MailConfig, letter: Letter): Promise<Delivery> {
  const { createTransport } = await import("nodemailer");
  const timeout = config.connectTimeout;
  const transport = createTransport({
    host: config.server,
    port: config.port,
    name: config.heloName,
    secure: false,
    ignoreTLS: true,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const sent = await transport.sendMail({
      from: config.from,
      to: [...config.recipients],
      subject: letter.subject,
      text: `${letter.body}\r\n`,
      xMailer: "Keepalived",
      signal: AbortSignal.timeout(timeout * DIALOGUE_TIMEOUTS),
    });
    return { kind: "sent", rejected: sent.rejected.map(String) };
  } catch (error) {
    return failureOf(error);
  } finally {
    transport.close();
  }
}

/** Longest time from the call of `deliver` to its result. */
export const deliveryLimitMs = (config: MailConfig): number => config.connectTimeout * DIALOGUE_TIMEOUTS;

/** @throws `error` itself when it is none of nodemailer's or the system's */
export function failureOf(error: unknown): Delivery {
  if (!(error instanceof Error)) throw error;
  const code = "code" in error ? error.code : undefined;
  const cause = error.message.replaceAll(/[\r\n]+/g, " ").slice(0, 200);
  if ("responseCode" in error && typeof error.responseCode === "number") {
    const command = "command" in error && typeof error.command === "string" ? error.command : "";
    const refused = code === "EMESSAGE" ? "BODY" : commandName(command); // the message itself also has the command DATA
    return { kind: "refused", command: refused, status: error.responseCode, cause };
  }
  const phase = "timeoutType" in error ? error.timeoutType : undefined;
  if (code === "ETIMEDOUT") return { kind: phase === "CONNECT_TIMEOUT" ? "connect-timeout" : "reply-timeout", cause };
  if (code === "EABORT") return { kind: "reply-timeout", cause };
  if (code === "ECONNECTION" || code === "ESOCKET" || code === "EDNS") return { kind: "unreachable", cause };
  return { kind: "broken", cause };
}

/** nodemailer's name of a step in keepalived's words. */
function commandName(command: string): string {
  switch (command) {
    case "CONN":
      return "(E)SMTP";
    case "EHLO":
    case "HELO":
      return "HELO";
    case "MAIL FROM":
      return "MAIL";
    case "RCPT TO":
      return "RCPT";
    default:
      return command;
  }
}

/** The sentence for a failed delivery: the words that log filters know, then the cause and what to do. */
export function failureSentence(failure: Exclude<Delivery, { kind: "sent" }>, config: MailConfig): string {
  const server = `[${config.server}]:${config.port}`;
  const { cause } = failure;
  switch (failure.kind) {
    case "unreachable":
      return `SMTP connection ERROR to ${server}. (${cause}; is smtp_server right and reachable?)`;
    case "connect-timeout":
      return `Timeout opening connection to remote SMTP server ${server}. (is smtp_server right and reachable?)`;
    case "reply-timeout":
      return `Timeout reading data from remote SMTP server ${server}. (it took the connection but does not answer in time)`;
    case "refused":
      return `Error processing ${failure.command} cmd on SMTP server ${server}. SMTP status code = ${failure.status} (${cause})`;
    case "broken":
      return `SMTP alert to ${server} could not be sent: ${cause}`;
    default:
      return unreachable(failure);
  }
}
