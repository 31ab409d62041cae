import { workerData } from "node:worker_threads";
import { LogPump } from "./log-pump.js";
import type { LogRecord } from "./log-record.js";
import { RingReader } from "./log-ring.js";
import { consoleSink, FileSink, jsonSink, type Sink } from "./log-sinks.js";
import { SyslogSink } from "./log-syslog.js";

/** Entry of the log thread. It has no event loop to serve, so it sleeps in the ring and writes synchronously. */

export interface SinkOptions {
  /** keepalived -l. */
  readonly console: boolean;
  /** keepalived -g: absolute path. */
  readonly file: string | undefined;
  readonly flushFile: boolean;
  /** Facility number of syslog(3), or undefined for -G. */
  readonly syslogFacility: number | undefined;
  /** `--log-json`: path, or `-` for standard output. */
  readonly json: string | undefined;
}

export interface LogThreadData {
  readonly ring: SharedArrayBuffer;
  readonly sinks: SinkOptions;
  readonly pid: number;
}

/** Also bounds how late a report of losses is. */
const SLEEP_MS = 1000;

/** Opens what can be opened; the rest is told to those that are open. */
async function openSinks(options: SinkOptions, pid: number): Promise<Sink[]> {
  const wanted: [string, (() => Sink | Promise<Sink>) | undefined][] = [
    ["console", options.console ? () => consoleSink() : undefined],
    [`log file ${options.file}`, options.file === undefined ? undefined : fileOpener(options.file, options.flushFile)],
    ["syslog", options.syslogFacility === undefined ? undefined : syslogOpener(options.syslogFacility, pid)],
    [`JSON log ${options.json}`, options.json === undefined ? undefined : jsonOpener(options.json, pid)],
  ];
  const sinks: Sink[] = [];
  const failures: LogRecord[] = [];
  for (const [name, open] of wanted) {
    try {
      if (open !== undefined) sinks.push(await open());
    } catch (error) {
      failures.push(failureRecord(name, error));
    }
  }
  if (sinks.length === 0 && failures.length > 0) sinks.push(consoleSink()); // the last place where one may look
  for (const failure of failures) for (const sink of sinks) sink.write(failure);
  return sinks;
}

const fileOpener = (path: string, flush: boolean) => () => new FileSink(path, flush);
/** The native module is loaded only here: when it is missing, the other sinks are there to say so. */
const syslogOpener = (facility: number, pid: number) => async () => {
  const { openUnixDatagram } = await import("../../native-bindings/datagram.js");
  return new SyslogSink({ facility, pid }, openUnixDatagram());
};
const jsonOpener = (target: string, pid: number) => () => jsonSink(target, pid);

function failureRecord(name: string, error: unknown): LogRecord {
  const reason = error instanceof Error ? error.message : String(error);
  const sentence = `Unable to open ${name}: ${reason} - logging goes on without it`;
  return { time: Date.now(), level: "error", ident: "Keepalived", event: "log.sink", sentence, fields: {} };
}

async function run({ ring, sinks: options, pid }: LogThreadData): Promise<void> {
  const reader = new RingReader(ring);
  const sinks = await openSinks(options, pid);
  const pump = new LogPump(reader, sinks, Date.now);
  for (;;) {
    const wakeCount = reader.wakeCount();
    const closing = reader.closing(); // read before draining: what was pushed before it was set is still written
    if (pump.drain() > 0) continue;
    if (closing) break;
    reader.sleep(wakeCount, SLEEP_MS);
  }
  pump.reportLosses(true);
  for (const sink of sinks) sink[Symbol.dispose]();
}

await run(workerData as LogThreadData);
