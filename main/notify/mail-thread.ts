import { Worker } from "node:worker_threads";
import type { Clock } from "../clock.js";
import type { MailConfig } from "../config/model.js";
import { ms } from "../units.js";
import type { MailOrder } from "./mail-worker.js";
import { type Delivery, deliveryLimitMs, type Letter } from "./smtp.js";

/** Delivers one letter at a time, off the main thread. */
export interface MailTransport extends Disposable {
  /** `done` is called once, in a later turn of the loop. Not to be called again before that. */
  deliver(config: MailConfig, letter: Letter, done: (delivery: Delivery) => void): void;
}

/** After this much more than a delivery may take, the thread counts as stuck and is replaced. */
const STUCK_AFTER_MS = 10_000;

/** The thread in which nodemailer runs. It is started at once and, should it end, again with the next letter. */
export class MailThread implements MailTransport {
  readonly #clock: Clock;
  #worker: Worker | undefined;
  #pending: { readonly done: (delivery: Delivery) => void; readonly stuck: Disposable } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#worker = this.#start();
  }

  deliver(config: MailConfig, letter: Letter, done: (delivery: Delivery) => void): void {
    const worker = (this.#worker ??= this.#start());
    const limit = ms(deliveryLimitMs(config) + STUCK_AFTER_MS);
    this.#pending = { done, stuck: this.#clock.after(limit, () => void worker.terminate()) };
    worker.postMessage({ config, letter } satisfies MailOrder);
  }

  [Symbol.dispose](): void {
    void this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./mail-worker.js", import.meta.url), {
      name: "mail",
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    });
    worker.unref(); // the daemon ends when everything else has: see Mailer.settle
    let cause = "the mail thread ended";
    worker.on("message", (delivery: Delivery) => this.#finish(delivery));
    worker.on("error", (error) => {
      cause = `the mail thread failed: ${error.message}`;
    });
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      this.#finish({ kind: "broken", cause });
    });
    return worker;
  }

  #finish(delivery: Delivery): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.stuck[Symbol.dispose]();
    pending?.done(delivery);
  }
}
