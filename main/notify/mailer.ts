import type { Clock } from "../clock.js";
import type { MailConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import type { Milliseconds } from "../units.js";
import type { Mail } from "./mail.js";
import { MailBacklog, type NextMail } from "./mail-backlog.js";
import type { MailTransport } from "./mail-thread.js";
import { type Delivery, failureSentence } from "./smtp.js";

export interface MailerSettings {
  /** Leads the subjects. */
  readonly routerId: string;
  /** Undefined: no mail is sent, and no thread runs for it. */
  readonly mail: MailConfig | undefined;
}

/** Sends mails in the background, one at a time. It never waits, and never keeps more than a bounded number. */
export class Mailer {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #open: () => MailTransport;
  readonly #backlog: MailBacklog;
  /** Failures by kind since the last success: each kind is logged once. */
  readonly #failures = new Map<string, number>();
  #settings: MailerSettings = { routerId: "", mail: undefined };
  #transport: MailTransport | undefined;
  #phase: "idle" | "waiting" | "sending" = "idle";
  #timer: Disposable | undefined;
  #whenIdle: (() => void) | undefined;

  /** `open` starts the mail thread; it is called when mail is configured, not before. */
  constructor(open: () => MailTransport, log: Log, clock: Clock) {
    this.#open = open;
    this.#log = log;
    this.#clock = clock;
    this.#backlog = new MailBacklog(clock.now());
  }

  /** At start and after each reload. Mails that wait go to the new recipients, or are dropped if there are none. */
  configure(settings: MailerSettings): void {
    this.#settings = settings;
    this.#failures.clear();
    if (settings.mail !== undefined) this.#transport ??= this.#open();
    else this.#stop();
  }

  get routerId(): string {
    return this.#settings.routerId;
  }

  send(mail: Mail): void {
    if (this.#transport === undefined) return;
    this.#backlog.push(mail, new Date().toISOString());
    if (this.#phase === "idle") this.#proceed();
  }

  /** Resolves when everything is sent, or `limit` has passed. */
  settle(limit: Milliseconds): Promise<void> {
    if (this.#phase === "idle") return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(limit, resolve);
      this.#whenIdle = (): void => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#backlog.clear();
    this.#transport?.[Symbol.dispose]();
    this.#transport = undefined;
    this.#become("idle");
  }

  #become(phase: "idle" | "waiting" | "sending"): void {
    this.#phase = phase;
    if (phase === "idle") this.#whenIdle?.();
  }

  #proceed(): void {
    const { mail: config } = this.#settings;
    const transport = this.#transport;
    const off = config === undefined || transport === undefined;
    const next: NextMail = off ? { kind: "idle" } : this.#backlog.next(this.#clock.now(), this.routerId);
    if (off || next.kind === "idle") {
      this.#become("idle");
    } else if (next.kind === "wait") {
      this.#become("waiting");
      this.#timer = this.#clock.after(next.delay, () => this.#proceed());
    } else {
      this.#become("sending");
      this.#deliver(transport, config, next.mail);
    }
  }

  #deliver(transport: MailTransport, config: MailConfig, mail: Mail): void {
    const { subject, body } = mail;
    transport.deliver(config, { subject, body }, (delivery) => {
      if (this.#transport !== transport) return; // switched off meanwhile
      this.#record(delivery, config);
      this.#proceed();
    });
  }

  #record(delivery: Delivery, config: MailConfig): void {
    if (delivery.kind !== "sent") {
      const seen = this.#failures.get(delivery.kind) ?? 0;
      this.#failures.set(delivery.kind, seen + 1);
      if (seen === 0) this.#log("error", "mail.failed", failureSentence(delivery, config), { kind: delivery.kind });
      return;
    }
    const lost = [...this.#failures.values()].reduce((sum, n) => sum + n, 0);
    this.#failures.clear();
    if (lost > 0)
      this.#log("notice", "mail.recovered", `SMTP alerts are sent again; ${lost} mails were lost`, { lost });
    if (this.#log.detail) this.#log("debug", "mail.sent", "SMTP alert successfully sent.");
    this.#reportRejected(delivery.rejected);
  }

  /** Logged with every mail that they miss: it is their address that is wrong, and mails are limited in number. */
  #reportRejected(recipients: readonly string[]): void {
    if (recipients.length === 0) return;
    const sentence = `the SMTP server refuses the recipients ${recipients.join(", ")}: correct notification_email`;
    this.#log("warning", "mail.recipient-refused", sentence);
  }
}
