import { createRequire } from "node:module";
import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";
import { datagramAge } from "../../native-bindings/datagram-age.js";
import { type Ipv4AdvertSender, openIpv4AdvertSender } from "../../native-bindings/ipv4-sender.js";
import { closeOnExecFrom } from "../../native-bindings/process.js";
import { findRawSocket, type RawSocketMarks, setRawSocketFilter } from "../../native-bindings/raw-filter.js";
import { familyOf, type IpAddress } from "../address.js";
import { DaemonError } from "../errors.js";
import type { Log } from "../observe/log.js";
import { applyFilter, reportUnfiltered, type Wanted } from "./endpoint-filter.js";
import { IPPROTO_AH, IPPROTO_VRRP } from "./ip-header.js";
import { ipv4ToNumber } from "./ipv4.js";
import { openIpv6 } from "./ipv6-transport.js";
import { type AdvertEndpoint, type AdvertSocket, type AdvertTransport, RECEIVE_QUEUE_BYTES } from "./ports.js";
import { errnoOf, problemOf } from "./system-error.js";

/**
 * Adverts over IPv4: read through the `raw-socket` package, a socket for each endpoint; sent through one socket of our own. This is
 * the only file that knows the package: a nan add-on from one author, main thread only (in a worker it takes the main thread's loop
 * and crashes), which can neither bind(2) nor name an errno, nor send by another interface than the one that its socket is bound to.
 */

/** The part of raw-socket that is used. */
interface RawSocket {
  setOption(level: number, option: number, value: number): void;
  setOption(level: number, option: number, value: Uint8Array, length: number): void;
  close(): void;
  on(event: "message", listener: (packet: Buffer, source: string) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "close", listener: () => void): void;
}

interface RawSocketModule {
  createSocket(options: { readonly protocol: number; readonly bufferSize: number }): RawSocket;
}

/** An advert has at most 1056 octets; what fills this has been cut off and fails the length check. */
const RECEIVE_BYTES = 4096;
const REOPEN_AFTER_MS = 100;

/** asm-generic/socket.h, linux/in.h */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVLOWAT = 18;
const SO_BINDTODEVICE = 25;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;

/** After standard input, output and error. */
const FIRST_FD = 3;
/** Files that other threads open for a moment leave holes behind the newest reader. */
const BEHIND = 2;
/** Labels of sockets begin here: nobody sets such a mark by accident. */
const FIRST_LABEL = 0x40_00_00_00;
const LABELS = 0x20_00_00_00;

type OnPacket = (packet: Buffer, source: IpAddress, age: number) => void;

export class RawTransport implements AdvertTransport {
  readonly #raw: RawSocketModule;
  readonly #log: Log;
  readonly #sender = new SharedSender();
  /** Of the newest reader: the next one is likely to lie right behind it. */
  #lastFd = FIRST_FD - 1;
  #labels = 0;

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
  open(endpoint: AdvertEndpoint, onPacket: OnPacket, wanted: Wanted = nothing): AdvertSocket {
    if (familyOf(endpoint.address) === "inet6") return openIpv6(endpoint, onPacket, wanted, this.#log);
    const protocol = endpoint.ah === true ? IPPROTO_AH : IPPROTO_VRRP;
    const source = { open: () => this.#openReader(protocol, endpoint) };
    const reader = new Reader(source, endpoint, onPacket, wanted, this.#log);
    try {
      return new RawAdvertSocket(this.#sender.take(), endpoint.link?.index ?? 0, reader);
    } catch (error) {
      reader[Symbol.dispose]();
      throw error;
    }
  }

  #openReader(protocol: number, endpoint: AdvertEndpoint): OpenReader {
    const marks = { protocol, label: FIRST_LABEL + (this.#labels++ % LABELS) };
    const socket = this.#create(protocol, (fresh) => prepareReader(fresh, endpoint, marks.label));
    const fd = findRawSocket(marks, Math.max(FIRST_FD, this.#lastFd - BEHIND));
    if (fd >= FIRST_FD) this.#lastFd = fd;
    return { socket, fd, marks };
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

const nothing: Wanted = { routers: [], flooded: false };

interface OpenReader {
  readonly socket: RawSocket;
  /** Its descriptor, which raw-socket does not tell; -1 when it was not found. */
  readonly fd: number;
  readonly marks: RawSocketMarks;
}

interface ReaderSource {
  /** @throws system error */
  readonly open: () => OpenReader;
}

/** Reads what is addressed to an endpoint. raw-socket closes a socket whose polling fails: then it is opened again. */
class Reader implements Disposable {
  readonly #open: () => OpenReader;
  readonly #endpoint: AdvertEndpoint;
  readonly #onPacket: OnPacket;
  readonly #log: Log;
  #opened: OpenReader | undefined;
  #retry: NodeJS.Timeout | undefined;
  #receiveBytes = RECEIVE_QUEUE_BYTES;
  #wanted: Wanted;

  /** @throws system error when the socket cannot be opened now */
  constructor(source: ReaderSource, endpoint: AdvertEndpoint, onPacket: OnPacket, wanted: Wanted, log: Log) {
    this.#wanted = wanted;
    this.#open = source.open;
    this.#endpoint = endpoint;
    this.#onPacket = onPacket;
    this.#log = log;
    this.#start();
  }

  #start(): void {
    const opened = this.#open();
    const { socket, fd } = opened;
    const destination = ipv4ToNumber(this.#endpoint.address);
    socket.on("message", (packet, source) => {
      drainTicks();
      if (packet.length < 20 || packet.readUInt32BE(16) !== destination) return;
      this.#onPacket(packet, source, fd < 0 ? Number.NaN : datagramAge(fd));
    });
    socket.on("error", (error) => this.#report(error));
    socket.on("close", () => {
      if (this.#opened === opened) this.#startLater();
    });
    this.#opened = opened;
    this.receiveBuffer(this.#receiveBytes);
    this.filter(this.#wanted);
  }

  filter(wanted: Wanted): void {
    this.#wanted = wanted;
    const opened = this.#opened;
    if (opened === undefined) return; // the next one gets it
    const set = (program: Uint8Array): number => setRawSocketFilter(opened.fd, opened.marks, program);
    const errno = applyFilter(this.#endpoint, wanted, set);
    if (errno !== 0) reportUnfiltered(this.#endpoint, errno, this.#log);
  }

  receiveBuffer(bytes: number): void {
    this.#receiveBytes = bytes;
    if (this.#opened !== undefined) setReceiveBuffer(this.#opened.socket, bytes);
  }

  #startLater(): void {
    this.#opened = undefined;
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
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.socket.close();
  }
}

/** Open as long as somebody has taken it. */
class SharedSender {
  #sender: Ipv4AdvertSender | undefined;
  #takers = 0;

  /** @throws system error */
  take(): Sender {
    this.#sender ??= openIpv4AdvertSender();
    this.#takers += 1;
    const sender = this.#sender;
    return {
      send: (packet, interfaceIndex) => sender.send(packet, interfaceIndex),
      [Symbol.dispose]: () => this.#giveBack(),
    };
  }

  #giveBack(): void {
    this.#takers -= 1;
    if (this.#takers > 0) return;
    this.#sender?.close();
    this.#sender = undefined;
  }
}

type Sender = Pick<Ipv4AdvertSender, "send"> & Disposable;

class RawAdvertSocket implements AdvertSocket {
  readonly #sender: Sender;
  readonly #interfaceIndex: number;
  readonly #reader: Reader;
  #open: boolean = true;

  constructor(sender: Sender, interfaceIndex: number, reader: Reader) {
    this.#sender = sender;
    this.#interfaceIndex = interfaceIndex;
    this.#reader = reader;
  }

  /** To the destination in its header. */
  send(packet: Uint8Array): number {
    return this.#open ? this.#sender.send(packet, this.#interfaceIndex) : constants.errno.EBADF;
  }

  filter(wanted: Wanted): void {
    this.#reader.filter(wanted);
  }

  receiveBuffer(bytes: number): void {
    this.#reader.receiveBuffer(bytes);
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#sender[Symbol.dispose]();
    this.#reader[Symbol.dispose]();
  }
}

/** A socket error shows at the next send; without a listener it would end the process. */
const ignoreError = (): void => undefined;

function prepareReader(socket: RawSocket, endpoint: AdvertEndpoint, label: number): void {
  socket.setOption(SOL_SOCKET, SO_RCVLOWAT, label);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_ALL, 0);
  if (endpoint.link !== undefined) bindToDevice(socket, endpoint.link.name);
  if (endpoint.kind === "multicast" && endpoint.link !== undefined) {
    setMembership(socket, IP_ADD_MEMBERSHIP, endpoint.address, endpoint.link.index);
  }
}

function setReceiveBuffer(socket: RawSocket, bytes: number): void {
  try {
    socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, bytes);
  } catch {
    socket.setOption(SOL_SOCKET, SO_RCVBUF, bytes); // without CAP_NET_ADMIN: up to rmem_max
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
