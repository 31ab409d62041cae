import { createRequire } from "node:module";
import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";
import { closeOnExecFrom } from "../../native-bindings/process.js";
import { findUnfilteredRawSocket, setRawSocketFilter } from "../../native-bindings/raw-filter.js";
import { familyOf, type IpAddress } from "../address.js";
import { DaemonError } from "../errors.js";
import type { Log } from "../observe/log.js";
import { filterSpec, reportUnfiltered } from "./endpoint-filter.js";
import { IPPROTO_AH, IPPROTO_VRRP } from "./ip-header.js";
import { ipv4ToNumber } from "./ipv4.js";
import { openIpv6 } from "./ipv6-transport.js";
import { type FilterSpec, packetFilter } from "./packet-filter.js";
import type { AdvertEndpoint, AdvertSocket, AdvertTransport } from "./ports.js";
import { errnoOf, problemOf } from "./system-error.js";

/**
 * Adverts over IPv4 through the `raw-socket` package. This is the only file that knows it: a nan add-on from one author,
 * main thread only (in a worker it takes the main thread's loop and crashes), which can neither bind(2) nor name an errno.
 */

/** The part of raw-socket that is used. */
interface RawSocket {
  readonly wrap: {
    /** sendto(2), synchronous. @throws Error whose message is strerror(3) */
    send(bytes: Uint8Array, offset: number, length: number, address: string, sent: (bytes: number) => void): void;
  };
  setOption(level: number, option: number, value: number): void;
  setOption(level: number, option: number, value: Uint8Array, length: number): void;
  pauseRecv(): void;
  close(): void;
  on(event: "message", listener: (packet: Buffer, source: string) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "close", listener: () => void): void;
}

interface RawSocketModule {
  createSocket(options: { readonly protocol: number; readonly bufferSize: number }): RawSocket;
}

/** IPPROTO_RAW: nothing is ever queued for it, so the sender needs no reader (raw(7)). */
const SEND_ONLY = 255;
/** An advert has at most 1056 octets; what fills this has been cut off and fails the length check. */
const RECEIVE_BYTES = 4096;
const RECEIVE_QUEUE_BYTES = 1 << 20;
const REOPEN_AFTER_MS = 100;

/** asm-generic/socket.h, linux/in.h */
const SOL_SOCKET = 1;
const SO_DONTROUTE = 5;
const SO_RCVBUF = 8;
const SO_PRIORITY = 12;
const SO_BINDTODEVICE = 25;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_HDRINCL = 3;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
/** TC_PRIO_CONTROL, linux/pkt_sched.h: adverts go before the traffic that they protect. */
const PRIORITY_CONTROL = 7;

/** After standard input, output and error. */
const FIRST_FD = 3;

const ignoreCount = (): void => undefined;

type OnPacket = (packet: Buffer, source: IpAddress) => void;

export class RawTransport implements AdvertTransport {
  readonly #raw: RawSocketModule;
  readonly #log: Log;
  /** Of the newest reader: the next one is likely to lie right behind it. */
  #lastFd = FIRST_FD - 1;

  /** @throws DaemonError E_NATIVE in a worker or when the add-on cannot be loaded */
  constructor(log: Log) {
    if (!isMainThread) throw new DaemonError("E_NATIVE", "raw-socket works in the main thread only");
    try {
      this.#raw = createRequire(import.meta.url)("raw-socket") as RawSocketModule;
    } catch (cause) {
      throw new DaemonError("E_NATIVE", "cannot load raw-socket; run `npm rebuild raw-socket`", { cause });
    }
    this.#log = log;
  }

  /** `onPacket` gets a view of the reader's buffer: valid during the call only. */
  open(endpoint: AdvertEndpoint, onPacket: OnPacket): AdvertSocket {
    if (familyOf(endpoint.address) === "inet6") return openIpv6(endpoint, onPacket, this.#log);
    const sender = this.#create(SEND_ONLY, (socket) => prepareSender(socket, endpoint));
    const protocol = endpoint.ah === true ? IPPROTO_AH : IPPROTO_VRRP;
    try {
      const openReader = () => this.#create(protocol, (socket) => prepareReader(socket, endpoint));
      return new RawAdvertSocket(
        sender,
        new Reader({ protocol, open: openReader, findFd: () => this.#findFd(protocol) }, endpoint, onPacket, this.#log),
      );
    } catch (error) {
      sender.close();
      throw error;
    }
  }

  /** Every reader gets a filter as soon as it is opened, so the one without is the newest. */
  #findFd(protocol: number): number {
    const fd = findUnfilteredRawSocket(protocol, this.#lastFd + 1);
    if (fd >= FIRST_FD) this.#lastFd = fd;
    return fd;
  }

  #create(protocol: number, prepare: (socket: RawSocket) => void): RawSocket {
    const socket = this.#raw.createSocket({ protocol, bufferSize: RECEIVE_BYTES });
    closeOnExecFrom(FIRST_FD); // raw-socket does not do it, and scripts would inherit the socket
    socket.on("error", ignoreError);
    try {
      prepare(socket);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }
}

interface ReaderSource {
  readonly protocol: number;
  /** @throws system error */
  readonly open: () => RawSocket;
  /** Descriptor of the socket that `open` has made just now. */
  readonly findFd: () => number;
}

/** Reads what is addressed to an endpoint. raw-socket closes a socket whose polling fails: then it is opened again. */
class Reader implements Disposable {
  readonly #open: () => RawSocket;
  readonly #findFd: () => number;
  readonly #protocol: number;
  readonly #endpoint: AdvertEndpoint;
  readonly #onPacket: OnPacket;
  readonly #log: Log;
  #socket: RawSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Descriptor of the socket, which raw-socket does not tell; -1 when it was not found. */
  #fd = -1;
  #wanted: Pick<FilterSpec, "routers" | "flooded"> = { routers: [], flooded: false };

  /** @throws system error when the socket cannot be opened now */
  constructor(source: ReaderSource, endpoint: AdvertEndpoint, onPacket: OnPacket, log: Log) {
    this.#open = source.open;
    this.#findFd = source.findFd;
    this.#protocol = source.protocol;
    this.#endpoint = endpoint;
    this.#onPacket = onPacket;
    this.#log = log;
    this.#start();
  }

  #start(): void {
    const socket = this.#open();
    const destination = ipv4ToNumber(this.#endpoint.address);
    socket.on("message", (packet, source) => {
      drainTicks();
      if (packet.length >= 20 && packet.readUInt32BE(16) === destination) this.#onPacket(packet, source);
    });
    socket.on("error", (error) => this.#report(error));
    socket.on("close", () => {
      if (this.#socket === socket) this.#startLater();
    });
    this.#socket = socket;
    this.#fd = this.#findFd();
    this.filter(this.#wanted);
  }

  filter(wanted: Pick<FilterSpec, "routers" | "flooded">): void {
    this.#wanted = wanted;
    const program = packetFilter(filterSpec(this.#endpoint, wanted));
    const errno = setRawSocketFilter(this.#fd, this.#protocol, program);
    if (errno !== 0 && this.#socket !== undefined) reportUnfiltered(this.#endpoint, errno, this.#log);
  }

  #startLater(): void {
    this.#socket = undefined;
    this.#retry = setTimeout(() => {
      try {
        this.#start();
      } catch (error) {
        this.#report(error);
        this.#startLater();
      }
    }, REOPEN_AFTER_MS);
  }

  /** What recvfrom(2) says is over with being said; only a closed socket needs more. */
  #report(error: unknown): void {
    if (errnoOf(error) === constants.errno.EAGAIN) return;
    const { address, link } = this.#endpoint;
    const where = link === undefined ? address : `${address} on ${link.name}`;
    this.#log("warning", "vrrp.receive-failed", `Receiving adverts for ${where} failed: ${problemOf(error)}`);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}

class RawAdvertSocket implements AdvertSocket {
  readonly #sender: RawSocket;
  readonly #reader: Reader;
  #open: boolean = true;

  constructor(sender: RawSocket, reader: Reader) {
    this.#sender = sender;
    this.#reader = reader;
  }

  send(packet: Uint8Array, destination: IpAddress): number {
    if (!this.#open) return constants.errno.EBADF; // raw-socket would silently open a fresh socket without our options
    try {
      this.#sender.wrap.send(packet, 0, packet.length, destination, ignoreCount);
      return 0;
    } catch (error) {
      return errnoOf(error);
    }
  }

  filter(wanted: Pick<FilterSpec, "routers" | "flooded">): void {
    this.#reader.filter(wanted);
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#sender.close();
    this.#reader[Symbol.dispose]();
  }
}

/** A socket error shows at the next send; without a listener it would end the process. */
const ignoreError = (): void => undefined;

function prepareSender(socket: RawSocket, endpoint: AdvertEndpoint): void {
  socket.pauseRecv();
  socket.setOption(IPPROTO_IP, IP_HDRINCL, 1);
  socket.setOption(SOL_SOCKET, SO_PRIORITY, PRIORITY_CONTROL);
  socket.setOption(SOL_SOCKET, SO_RCVBUF, 0);
  if (endpoint.link !== undefined) bindToDevice(socket, endpoint.link.name);
  if (endpoint.kind === "unicast") return;
  socket.setOption(SOL_SOCKET, SO_DONTROUTE, 1);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
  if (endpoint.link !== undefined) setMembership(socket, IP_MULTICAST_IF, endpoint.address, endpoint.link.index);
}

function prepareReader(socket: RawSocket, endpoint: AdvertEndpoint): void {
  socket.setOption(IPPROTO_IP, IP_MULTICAST_ALL, 0);
  if (endpoint.link !== undefined) bindToDevice(socket, endpoint.link.name);
  if (endpoint.kind === "multicast" && endpoint.link !== undefined) {
    setMembership(socket, IP_ADD_MEMBERSHIP, endpoint.address, endpoint.link.index);
  }
  try {
    socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_QUEUE_BYTES);
  } catch {
    socket.setOption(SOL_SOCKET, SO_RCVBUF, RECEIVE_QUEUE_BYTES); // without CAP_NET_ADMIN: up to rmem_max
  }
}

function bindToDevice(socket: RawSocket, name: string): void {
  const bytes = Buffer.from(`${name}\0`);
  socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, bytes, bytes.length);
}

/** struct ip_mreqn { in_addr group; in_addr address; int ifindex; } (linux/in.h): group in network order, index in ours. */
function setMembership(socket: RawSocket, option: number, group: IpAddress, interfaceIndex: number): void {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(0, ipv4ToNumber(group));
  new Int32Array(bytes.buffer)[2] = interfaceIndex;
  socket.setOption(IPPROTO_IP, option, bytes, bytes.length);
}

let draining = false;

/**
 * raw-socket calls JavaScript without Node's callback scope: promises and nextTick callbacks of a listener would wait for
 * some other event. An immediate is one, right after this poll.
 */
function drainTicks(): void {
  if (draining) return;
  draining = true;
  setImmediate(() => {
    draining = false;
  });
}
