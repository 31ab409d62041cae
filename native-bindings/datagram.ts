import { native } from "./load.js";

/** An unconnected AF_UNIX datagram socket: syslog's /dev/log, journald. Node has none. */
export interface UnixDatagram extends Disposable {
  /** @returns 0, or a positive errno (ENOENT, ECONNREFUSED, EAGAIN, EMSGSIZE, ...). Never blocks. */
  send(path: string, bytes: Uint8Array): number;
  close(): void;
}

interface Native {
  readonly UnixDatagram: new () => UnixDatagram;
}

export function openUnixDatagram(): UnixDatagram {
  const { UnixDatagram } = native as Native;
  return new UnixDatagram();
}
