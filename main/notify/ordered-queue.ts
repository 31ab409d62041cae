import type { Clock } from "../clock.js";
import { type Milliseconds, ms } from "../units.js";

export interface QueueLimits {
  /** Jobs of one subject that may wait; beyond it the oldest waiting one is dropped, never the newest. */
  readonly waitingPerSubject: number;
  /** A job that runs longer no longer holds up the next one of its subject, nor counts as running. */
  readonly patience: Milliseconds;
  /** Jobs that run at once, over all subjects. */
  readonly concurrency: number;
  /** Jobs started together, and then every 5 ms: programs that load take processors from what is due. */
  readonly startsTogether: number;
}

const PAUSE = ms(5);

export interface QueueEvents<Job> {
  /** Starts the job; `done` says that it has ended, and may be called more than once. */
  readonly start: (job: Job, done: () => void) => void;
  readonly onDropped: (subject: string, job: Job) => void;
  readonly onOverdue: (subject: string, job: Job) => void;
}

interface Subject<Job> {
  readonly name: string;
  readonly waiting: Job[];
  running: boolean;
}

/** Jobs of one subject run one after another in the order in which they came; subjects do not wait for each other. */
export class OrderedQueue<Job> {
  readonly #limits: QueueLimits;
  readonly #events: QueueEvents<Job>;
  readonly #clock: Clock;
  readonly #subjects = new Map<string, Subject<Job>>();
  /** Subjects that have a job to start and none running, in the order of their turn. */
  readonly #ready: Subject<Job>[] = [];
  #running = 0;
  #startsLeft: number;
  #pause: Disposable | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(limits: QueueLimits, events: QueueEvents<Job>, clock: Clock) {
    this.#limits = limits;
    this.#events = events;
    this.#clock = clock;
    this.#startsLeft = limits.startsTogether;
  }

  push(name: string, job: Job): void {
    const subject = this.#subject(name);
    subject.waiting.push(job);
    if (subject.waiting.length > this.#limits.waitingPerSubject) {
      const oldest = subject.waiting.shift();
      if (oldest !== undefined) this.#events.onDropped(name, oldest);
    }
    if (!subject.running && subject.waiting.length === 1) this.#ready.push(subject);
    this.#startReady();
  }

  /** Resolves when everything has run, or `limit` has passed. */
  settle(limit: Milliseconds): Promise<void> {
    if (this.#subjects.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(limit, resolve);
      this.#whenIdle = (): void => {
        timer[Symbol.dispose]();
        resolve();
      };
    });
  }

  #subject(name: string): Subject<Job> {
    const known = this.#subjects.get(name);
    if (known !== undefined) return known;
    const subject: Subject<Job> = { name, waiting: [], running: false };
    this.#subjects.set(name, subject);
    return subject;
  }

  #startReady(): void {
    while (this.#running < this.#limits.concurrency && this.#startsLeft > 0) {
      const subject = this.#ready.shift();
      const job = subject?.waiting.shift();
      if (subject === undefined || job === undefined) return;
      this.#startsLeft -= 1;
      this.#start(subject, job);
    }
  }

  #start(subject: Subject<Job>, job: Job): void {
    subject.running = true;
    this.#running += 1;
    this.#pause ??= this.#clock.after(PAUSE, () => this.#afterPause());
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      patience[Symbol.dispose]();
      this.#ended(subject);
    };
    const patience = this.#clock.after(this.#limits.patience, () => {
      this.#events.onOverdue(subject.name, job);
      end();
    });
    this.#events.start(job, end);
  }

  #afterPause(): void {
    this.#pause = undefined;
    this.#startsLeft = this.#limits.startsTogether;
    this.#startReady();
  }

  #ended(subject: Subject<Job>): void {
    subject.running = false;
    this.#running -= 1;
    if (subject.waiting.length > 0) this.#ready.push(subject);
    else this.#subjects.delete(subject.name);
    this.#startReady();
    if (this.#subjects.size === 0) this.#whenIdle?.();
  }
}
