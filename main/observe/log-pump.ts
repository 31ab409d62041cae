import { decodeRecord, type LogRecord } from "./log-record.js";
import type { RingReader } from "./log-ring.js";
import type { Sink } from "./log-sinks.js";

/** How often losses are reported while they go on, in milliseconds. */
const REPORT_EVERY_MS = 1000;

/** Moves records from the ring to the sinks, and says what was lost on the way. */
export class LogPump {
  readonly #ring: RingReader;
  readonly #sinks: readonly Sink[];
  /** Milliseconds since 1970. */
  readonly #wallClock: () => number;
  #reported = 0;
  #nextReport = 0;

  constructor(ring: RingReader, sinks: readonly Sink[], wallClock: () => number) {
    this.#ring = ring;
    this.#sinks = sinks;
    this.#wallClock = wallClock;
  }

  /** Empties the ring once. @returns how many records came out */
  drain(): number {
    let count = 0;
    for (let bytes = this.#ring.take(); bytes !== undefined; bytes = this.#ring.take()) {
      const record = decodeRecord(bytes);
      if (record !== undefined) this.#write(record);
      count += 1;
    }
    this.reportLosses(false);
    for (const sink of this.#sinks) sink.flush();
    this.#ring.markWritten();
    return count;
  }

  /** One line when more was lost since the last one; at most one per second unless `final`. */
  reportLosses(final: boolean): void {
    const lost = this.#sinks.reduce((sum, sink) => sum + sink.lost, this.#ring.dropped());
    const time = this.#wallClock();
    if (lost === this.#reported || (time < this.#nextReport && !final)) return;
    this.#nextReport = time + REPORT_EVERY_MS;
    this.#write(lossRecord(time, lost - this.#reported, this.#ring.dropped(), this.#sinks));
    this.#reported = lost;
  }

  #write(record: LogRecord): void {
    for (const sink of this.#sinks) sink.write(record);
  }
}

function lossRecord(time: number, lost: number, ringTotal: number, sinks: readonly Sink[]): LogRecord {
  const bySink = sinks.filter((sink) => sink.lost > 0).map((sink) => `${sink.name} ${sink.lost}`);
  const where = [...(ringTotal > 0 ? [`queue ${ringTotal}`] : []), ...bySink].join(", ");
  return {
    time,
    level: "warning",
    ident: "Keepalived",
    event: "log.dropped",
    sentence: `${lost} log messages were dropped (since start: ${where})`,
    fields: { dropped: lost, total: where },
  };
}
