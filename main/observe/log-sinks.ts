import { parse } from "node:path";
import { pino } from "pino";
import { LineWriter } from "./line-writer.js";
import type { Ident } from "./log.js";
import { consoleLine, fileLine } from "./log-format.js";
import type { LogRecord } from "./log-record.js";

/** Where lines go. Used by the log thread only. */
export interface Sink extends Disposable {
  /** For messages about the sink itself. */
  readonly name: string;
  /** Records that were handed over and are gone. */
  readonly lost: number;
  write(record: LogRecord): void;
  flush(): void;
}

/** keepalived -l: standard error. */
export function consoleSink(writer: LineWriter = LineWriter.inherit(2)): Sink {
  return writerSink("console", writer, (record) => writer.write(consoleLine(record)));
}

/** Name parts that keepalived's processes insert before the extension of the -g file. */
const processPart: Readonly<Record<Ident, string>> = {
  Keepalived: "",
  Keepalived_vrrp: "_vrrp",
  Keepalived_healthcheckers: "_check",
  Keepalived_bfd: "_bfd",
};

/**
 * keepalived -g: one file per process name, so that those who follow keepalived_vrrp.log still find it.
 * @throws system error when one of them cannot be opened
 */
export class FileSink implements Sink {
  readonly name: string;
  readonly #flushEachLine: boolean;
  readonly #writers: Readonly<Record<Ident, LineWriter>>;

  constructor(path: string, flushEachLine: boolean) {
    this.name = path;
    this.#flushEachLine = flushEachLine;
    const open = (ident: Ident): LineWriter => LineWriter.open(logFileFor(path, ident));
    this.#writers = {
      Keepalived: open("Keepalived"),
      Keepalived_vrrp: open("Keepalived_vrrp"),
      Keepalived_healthcheckers: open("Keepalived_healthcheckers"),
      Keepalived_bfd: open("Keepalived_bfd"),
    };
  }

  get lost(): number {
    return Object.values(this.#writers).reduce((sum, writer) => sum + writer.lost, 0);
  }

  write(record: LogRecord): void {
    const writer = this.#writers[record.ident];
    writer.write(fileLine(record));
    if (this.#flushEachLine) writer.flush();
  }

  flush(): void {
    for (const writer of Object.values(this.#writers)) writer.flush();
  }

  [Symbol.dispose](): void {
    for (const writer of Object.values(this.#writers)) writer[Symbol.dispose]();
  }
}

/** `/tmp/keepalived.log` for Keepalived_vrrp is `/tmp/keepalived_vrrp.log`. */
export function logFileFor(path: string, ident: Ident): string {
  const { dir, name, ext } = parse(path);
  return `${dir === "" ? "" : dir.endsWith("/") ? dir : `${dir}/`}${name}${processPart[ident]}${ext}`;
}

/** pino's numbers, so that its own tools sort and colour the lines. */
const pinoLevels = { alert: 60, error: 50, warning: 40, notice: 35, info: 30, debug: 20 } as const;

/** JSON lines. `target` is a file, or `-` for standard output. @throws system error */
export function jsonSink(target: string, pid: number): Sink {
  const writer = target === "-" ? LineWriter.inherit(1) : LineWriter.open(target);
  const logger = pino(
    {
      base: { pid },
      level: "debug",
      customLevels: pinoLevels,
      useOnlyCustomLevels: true,
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
    },
    writer,
  );
  return writerSink(target, writer, ({ time, level, ident, event, sentence, fields }) =>
    logger[level]({ time: new Date(time).toISOString(), ident, event, ...(hasFields(fields) && { fields }) }, sentence),
  );
}

const hasFields = (fields: object): boolean => Object.keys(fields).length > 0;

function writerSink(name: string, writer: LineWriter, write: (record: LogRecord) => void): Sink {
  return {
    name,
    write,
    get lost() {
      return writer.lost;
    },
    flush: () => writer.flush(),
    [Symbol.dispose]: () => writer[Symbol.dispose](),
  };
}
