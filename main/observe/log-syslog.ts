import type { UnixDatagram } from "../../native-bindings/datagram.js";
import { pause } from "./line-writer.js";
import { syslogLine } from "./log-format.js";
import type { LogRecord } from "./log-record.js";
import type { Sink } from "./log-sinks.js";

/** There is no /dev/log, as in most containers: nothing is lost that anybody waits for. */
const ENOENT = 2;
const EAGAIN = 11;
const EMSGSIZE = 90;
/** syslogd's queue is full: how long a record waits for room. */
const SYSLOG_PATIENCE_MS = 50;

export interface SyslogOptions {
  readonly facility: number;
  readonly pid: number;
  /** Default /dev/log. */
  readonly path?: string;
}

/** syslog(3)'s /dev/log, which journald serves too. The socket is unconnected, so a restarted syslogd is found again. */
export class SyslogSink implements Sink {
  readonly name = "syslog";
  readonly #socket: UnixDatagram;
  readonly #options: SyslogOptions;
  readonly #path: string;
  #lost = 0;
  #patienceMs = SYSLOG_PATIENCE_MS;

  constructor(options: SyslogOptions, socket: UnixDatagram) {
    this.#options = options;
    this.#socket = socket;
    this.#path = options.path ?? "/dev/log";
  }

  get lost(): number {
    return this.#lost;
  }

  write(record: LogRecord): void {
    const line = syslogLine(record, this.#options.facility, this.#options.pid);
    const errno = this.#send(line);
    // Old syslog daemons read 1,024 octets (RFC 3164 §4.1); Linux refuses only what its socket buffer cannot hold.
    const verdict = errno === EMSGSIZE ? this.#send(line.slice(0, 480)) : errno;
    if (verdict !== 0 && verdict !== ENOENT) this.#lost += 1;
  }

  flush(): void {}

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #send(line: string): number {
    const bytes = Buffer.from(line);
    const deadline = performance.now() + this.#patienceMs;
    let errno = this.#socket.send(this.#path, bytes);
    while (errno === EAGAIN && performance.now() < deadline) {
      pause(2);
      errno = this.#socket.send(this.#path, bytes);
    }
    // Once is enough: until syslogd reads again, nothing waits for it, and the other sinks get their lines.
    this.#patienceMs = errno === EAGAIN ? 0 : SYSLOG_PATIENCE_MS;
    return errno;
  }
}
