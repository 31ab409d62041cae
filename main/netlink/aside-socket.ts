import {
  type AsideStep,
  type NetlinkHandlers,
  type NetlinkSocket,
  openNetlink,
} from "../../native-bindings/netlink.js";

/** In one task of the thread pool; what comes meanwhile is in the next one. */
const TOGETHER = 256;

interface Waiting {
  readonly step: AsideStep;
  readonly done: (errno: number) => void;
}

/** One whose requests are carried out by another thread. */
export interface AsideSocket extends NetlinkSocket {
  /** Text for a file of /proc/sys, in line with the requests. Resolves with 0 or a positive errno. */
  write(path: string, text: string): Promise<number>;
}

/**
 * A netlink socket whose requests another thread hands to the kernel, which carries them out in that thread, in their order. Nothing has
 * happened yet when `send` returns; that it could not be sent is told as a receive error.
 */
export function openAside(protocol: number, receiveBufferBytes: number, handlers: NetlinkHandlers): AsideSocket {
  const socket = openNetlink(protocol, receiveBufferBytes, handlers);
  const waiting: Waiting[] = [];
  let works = false;
  const workOn = (): void => {
    const now = waiting.splice(0, TOGETHER);
    works = now.length > 0;
    if (!works) return;
    socket.aside(
      now.map(({ step }) => step),
      (errnos) => {
        workOn();
        for (const [i, { done }] of now.entries()) done(errnos[i] ?? 0);
      },
    );
  };
  const inLine = (step: AsideStep, done: (errno: number) => void): void => {
    waiting.push({ step, done });
    if (works) return;
    works = true;
    setImmediate(workOn); // with what else is asked in this turn
  };
  const sent = (errno: number): void => {
    if (errno !== 0) handlers.onError(errno);
  };
  return {
    portId: socket.portId,
    send: (bytes) => {
      inLine(Buffer.from(bytes), sent); // a copy: its owner uses it again
      return 0;
    },
    write: (path, text) => new Promise((resolve) => inLine([path, text], resolve)),
    aside: (steps, done) => socket.aside(steps, done),
    join: (group) => socket.join(group),
    close: () => socket.close(),
    [Symbol.dispose]: () => socket.close(),
  };
}
