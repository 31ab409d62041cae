import type { Clock } from "../clock.js";
import type { MailConfig } from "../config/model.js";
import type { Log } from "../observe/log.js";
import { nextTurn, pieceOfTurn } from "../turn.js";
import { type Milliseconds, ms } from "../units.js";
import type { Mail } from "./mail.js";
import { MailBacklog, type NextMail } from "./mail-backlog.js";
import type { MailDigest } from "./mail-digest.js";
import type { MailTransport } from "./mail-thread.js";
import { type Delivery, failureSentence, type Letter } from "./smtp.js";

export interface MailerSettings {
  /** Leads the subjects. */
  readonly routerId: string;
  /** Undefined: no mail is sent, and no thread runs for it. */
  readonly mail: MailConfig | undefined;
}

/**
 * Sends mails in the background, one at a time. It never waits, and never keeps more than a bounded number. Those about VRRP neither
 * wait for a storm of real servers nor are lost in its table.
 */
export class Mailer {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #open: () => MailTransport;
  /** The first goes first. */
  readonly #backlogs: Readonly<Record<Mail["about"], MailBacklog>>;
  /** Failures by kind since the last success: each kind is logged once. */
  readonly #failures = new Map<string, number>();
  #settings: MailerSettings = { routerId: "", mail: undefined };
  #transport: MailTransport | undefined;
  #phase: "idle" | "waiting" | "sending" = "idle";
  #timer: { readonly at: Milliseconds; readonly entry: Disposable } | undefined;
  /** Nothing waits for others any more. */
  #isEnding: boolean = false;
  #whenIdle: (() => void) | undefined;

  /** `open` starts the mail thread; it is called when mail is configured, not before. */
  constructor(open: () => MailTransport, log: Log, clock: Clock) {
    this.#open = open;
    this.#log = log;
    this.#clock = clock;
    const now = clock.now();
    this.#backlogs = { vrrp: new MailBacklog(now), health: new MailBacklog(now) };
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
    const backlog = this.#backlogs[mail.about];
    const now = this.#clock.now();
    backlog.push(mail, now, Date.now());
    const isSooner = this.#timer !== undefined && (backlog.dueAt(now) ?? now) < this.#timer.at;
    if (this.#phase === "idle" || isSooner) this.#proceed();
  }

  /** The daemon ends: what waits goes at once. Resolves when everything is sent, or `limit` has passed. */
  settle(limit: Milliseconds): Promise<void> {
    this.#isEnding = true;
    if (this.#phase === "waiting") this.#proceed();
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
    for (const backlog of Object.values(this.#backlogs)) backlog.clear();
    this.#transport?.[Symbol.dispose]();
    this.#transport = undefined;
    this.#become("idle");
  }

  #become(phase: "idle" | "waiting" | "sending"): void {
    this.#timer?.entry[Symbol.dispose]();
    this.#timer = undefined;
    this.#phase = phase;
    if (phase === "idle") this.#whenIdle?.();
  }

  #proceed(): void {
    const { mail: config } = this.#settings;
    const transport = this.#transport;
    const next = this.#next();
    if (next === undefined || config === undefined || transport === undefined) {
      this.#become("idle");
    } else if ("at" in next) {
      this.#become("waiting");
      const delay = ms(next.at - this.#clock.now());
      this.#timer = { at: next.at, entry: this.#clock.after(delay, () => this.#proceed()) };
    } else {
      this.#become("sending");
      if (next.kind === "mail") this.#deliver(transport, config, next.mail);
      else void this.#deliverDigest(transport, config, next.digest); // a rejection is a bug, and stops the process as one
    }
  }

  /** What is due, or when the next of it will be. */
  #next(): NextMail | { readonly at: Milliseconds } | undefined {
    const now = this.#clock.now();
    let at: Milliseconds | undefined;
    for (const backlog of Object.values(this.#backlogs)) {
      const due = backlog.dueAt(now);
      if (due === undefined) continue;
      if (due <= now || this.#isEnding) return backlog.take(now, this.#isEnding);
      if (at === undefined || due < at) at = due;
    }
    return at === undefined ? undefined : { at };
  }

  async #deliverDigest(transport: MailTransport, config: MailConfig, digest: MailDigest): Promise<void> {
    const subject = digest.subject(this.routerId);
    const body = await inPieces(digest.body());
    if (this.#transport === transport) this.#deliver(transport, config, { subject, body });
  }

  #deliver(transport: MailTransport, config: MailConfig, { subject, body }: Letter): void {
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

/** Puts a long text together, a piece of it per turn of the loop. */
async function inPieces(texts: Iterator<string>): Promise<string> {
  let whole = "";
  for (;;) {
    const { ms: limit, stepsPerLook } = pieceOfTurn();
    const until = performance.now() + limit;
    do {
      for (let step = 0; step < stepsPerLook; step++) {
        const { done, value } = texts.next();
        if (done === true) return whole;
        whole += value;
      }
    } while (performance.now() < until);
    await nextTurn();
  }
}
