import type { ToWorker } from "../../workers/protocol.js";
import type { Clock } from "../clock.js";
import { ms } from "../units.js";
import type { ShardSlot } from "./shard-slot.js";

const answersWithin = ms(1000);

interface Waiter<Answer> {
  readonly shard: number;
  readonly take: (answer: Answer | undefined) => void;
}

/** A question to all checker threads, whose answers come in the order in which a thread was asked. */
export class ShardQuestion<Answer> {
  readonly #clock: Clock;
  #waiters: readonly Waiter<Answer>[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A thread that does not answer within a second is left out. */
  async ask(slots: readonly ShardSlot[], message: ToWorker): Promise<Answer[]> {
    const answers = await Promise.all(slots.map((slot) => this.#askOne(slot, message)));
    return answers.filter((answer) => answer !== undefined);
  }

  heard(shard: number, answer: Answer): void {
    this.#waiters.find((waiter) => waiter.shard === shard)?.take(answer);
  }

  /** Another thread has its place, and does not know what the one before it was asked. */
  restarted(shard: number): void {
    for (const waiter of this.#waiters) if (waiter.shard === shard) waiter.take(undefined);
  }

  /** Nobody will answer any more. */
  end(): void {
    for (const waiter of this.#waiters) waiter.take(undefined);
  }

  #askOne(slot: ShardSlot, message: ToWorker): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const waiter: Waiter<Answer> = {
        shard: slot.index,
        take: (answer) => {
          timer[Symbol.dispose]();
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          resolve(answer);
        },
      };
      // It goes on waiting: an answer that comes late is not the one to the next question.
      const timer = this.#clock.after(answersWithin, () => resolve(undefined));
      this.#waiters = [...this.#waiters, waiter];
      slot.post(message);
    });
  }
}
