/** Messages of the kernel's process events connector (linux/cn_proc.h, linux/connector.h). All numbers are in host order. */

export type ProcessEvent =
  /** The kernel's answer to the subscription: 0 or a positive errno. */
  | { readonly kind: "ack"; readonly errno: number }
  | { readonly kind: "fork"; readonly parent: number; readonly pid: number }
  /** It runs another program, or has another name. */
  | { readonly kind: "changed"; readonly pid: number }
  | { readonly kind: "exit"; readonly pid: number };

export const NETLINK_CONNECTOR = 11;
/** CN_IDX_PROC and CN_VAL_PROC; the index is also the multicast group. */
export const CN_IDX_PROC = 1;
const CN_VAL_PROC = 1;
const PROC_CN_MCAST_LISTEN = 1;
const NLMSG_DONE = 3;

/** struct nlmsghdr, struct cn_msg, struct proc_event up to event_data. */
const HEADER = 16;
const CN_HEADER = 20;
const EVENT_HEADER = 16;

const PROC_EVENT_NONE = 0;
const PROC_EVENT_FORK = 1;
const PROC_EVENT_EXEC = 2;
const PROC_EVENT_COMM = 0x200;
const PROC_EVENT_EXIT = 0x80000000;

/** Subscribes the socket that sends it. */
export function listenMessage(portId: number): Uint8Array {
  const bytes = new Uint8Array(HEADER + CN_HEADER + 4);
  const view = new DataView(bytes.buffer);
  const words = [bytes.length, NLMSG_DONE, 0, portId, CN_IDX_PROC, CN_VAL_PROC, 0, 0, 4, PROC_CN_MCAST_LISTEN];
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, LITTLE);
  return bytes;
}

const LITTLE = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Events about whole processes; those about threads are left out, and so is what cannot be read. */
export function* processEvents(datagram: Uint8Array): Generator<ProcessEvent> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let at = 0; at + HEADER + CN_HEADER + EVENT_HEADER + 4 <= view.byteLength; ) {
    const length = view.getUint32(at, LITTLE);
    const event = eventAt(view, at + HEADER + CN_HEADER, at + length);
    if (event !== undefined) yield event;
    if (length < HEADER) return;
    at += (length + 3) & ~3;
  }
}

function eventAt(view: DataView, at: number, end: number): ProcessEvent | undefined {
  const data = at + EVENT_HEADER;
  const word = (i: number): number =>
    data + 4 * i + 4 <= Math.min(end, view.byteLength) ? view.getUint32(data + 4 * i, LITTLE) : 0;
  const isProcess = word(0) === word(1) && word(0) > 0;
  switch (view.getUint32(at, LITTLE)) {
    case PROC_EVENT_NONE:
      return { kind: "ack", errno: word(0) };
    case PROC_EVENT_FORK:
      return word(2) === word(3) && word(2) > 0 ? { kind: "fork", parent: word(1), pid: word(2) } : undefined;
    case PROC_EVENT_EXEC:
      return word(1) > 0 ? { kind: "changed", pid: word(1) } : undefined;
    case PROC_EVENT_COMM:
      return isProcess ? { kind: "changed", pid: word(1) } : undefined;
    case PROC_EVENT_EXIT:
      return isProcess ? { kind: "exit", pid: word(1) } : undefined;
    default:
      return undefined;
  }
}
