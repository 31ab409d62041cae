import { native } from "./load.js";

/** One timerfd on CLOCK_BOOTTIME, watched by the loop: sub-millisecond, and nothing is allocated to arm it. */
export interface DeadlineTimer extends Disposable {
  /** Fires once at `deadlineMs` (same clock as `bootTime`); arming again replaces. A past deadline fires at once. */
  arm(deadlineMs: number): void;
  disarm(): void;
  close(): void;
}

interface Native {
  readonly DeadlineTimer: new (onDue: () => void) => DeadlineTimer;
  readonly bootTime: () => number;
}

/** CLOCK_BOOTTIME in milliseconds, with fraction. */
export function bootTime(): number {
  return (native as Native).bootTime();
}

export function openDeadlineTimer(onDue: () => void): DeadlineTimer {
  const { DeadlineTimer } = native as Native;
  return new DeadlineTimer(onDue);
}
