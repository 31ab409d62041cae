import { createSocket, type Socket } from "node:dgram";
import { setUdpSocketFilter } from "../../native-bindings/raw-filter.js";
import { familyOf } from "../address.js";
import type { Clock } from "../clock.js";
import { errnoName } from "../errors.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import type { HeartbeatSocket, HeartbeatTransport } from "./guard-ports.js";
import { openFilter, sessionFilter, sessionWord } from "./heartbeat-filter.js";
import { channelOf } from "./heartbeat-message.js";

const RETRY = ms(5000);
const SECOND = ms(1000);
/**
 * More messages than this within a second are a flood: then the kernel keeps those that repeat no session of ours. When as many come
 * even so, nothing is heard for a second.
 */
const MOST_A_SECOND = 5000;
/** A flood that goes on is met again after so long. Meanwhile a peer that was started again has to hear us before it is heard. */
const NARROW_FOR = ms(10_000);
/** What goes on failing in the same way is told of again after so long. */
const SAY_AGAIN = ms(60_000);
/** The peer's daemon or host is down, which is what silence means anyway. */
const HARMLESS = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"]);

type Path = Parameters<HeartbeatTransport["open"]>[0];
type Handlers = Parameters<HeartbeatTransport["open"]>[2];

/** One UDP socket for each pair of addresses, shared by the instances that use it. The kernel drops what others send. */
export class HeartbeatSockets implements HeartbeatTransport {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #open = new Map<string, SharedSocket>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  open(path: Path, channel: number, handlers: Handlers): HeartbeatSocket {
    const key = `${path.local} ${path.peer} ${path.port}`;
    const socket = this.#open.get(key) ?? new SharedSocket(path, this.#clock, this.#log);
    this.#open.set(key, socket);
    socket.add(channel, handlers);
    return {
      send: (bytes) => socket.send(bytes),
      get problem() {
        return socket.problem;
      },
      [Symbol.dispose]: () => {
        if (!socket.remove(channel, handlers)) return;
        socket.close();
        this.#open.delete(key);
      },
    };
  }
}

class SharedSocket {
  readonly #path: Path;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #users = new Map<number, Handlers>();
  #socket: Socket | undefined;
  #ready: boolean = false;
  #retry: Disposable | undefined;
  #heard = 0;
  /** By channel, of what we send: see `sessionWord`. */
  readonly #sessions = new Map<number, number>();
  /** In a flood: ends it. */
  #narrowed: Disposable | undefined;
  #closed: boolean = false;
  /** Reasons, of which there are few, and when they were told. */
  readonly #said = new Map<string, Milliseconds>();
  problem: string | undefined = "it is being opened";

  constructor(path: Path, clock: Clock, log: Log) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
    this.#begin();
  }

  /** Two instances with one VRID between the same addresses: the later one is heard. */
  add(channel: number, handlers: Handlers): void {
    this.#users.set(channel, handlers);
    if (this.#ready) handlers.onReady();
  }

  /** @returns whether nobody uses it any more */
  remove(channel: number, handlers: Handlers): boolean {
    if (this.#users.get(channel) === handlers) {
      this.#users.delete(channel);
      this.#sessions.delete(channel);
    }
    return this.#users.size === 0;
  }

  send(bytes: Buffer): void {
    this.#noteSession(bytes);
    if (this.#ready) this.#socket?.send(bytes, ignore);
  }

  #noteSession(bytes: Buffer): void {
    const channel = channelOf(bytes);
    const word = sessionWord(bytes);
    if (channel === undefined || this.#sessions.get(channel) === word) return;
    this.#sessions.set(channel, word);
    if (this.#narrowed !== undefined) this.#filterBySession();
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #begin(): void {
    const { local, peer, port } = this.#path;
    const ipv6 = familyOf(local) === "inet6";
    const socket = createSocket({ type: ipv6 ? "udp6" : "udp4", reuseAddr: true });
    this.#socket = socket;
    socket.on("error", (error) => this.#fail(socket, error));
    socket.on("message", (bytes) => this.#hear(bytes));
    socket.bind({ address: local, port }, () => {
      if (this.#socket !== socket) return;
      // Node hands a failure, such as no route to the peer, to the same listener, though its types do not say so.
      socket.connect(port, peer, (error?: Error) => this.#opened(socket, error));
    });
  }

  /** A socket without its peer would hear everybody, and throw when something is sent. */
  #opened(socket: Socket, error: Error | undefined): void {
    if (this.#socket !== socket) return;
    if (error !== undefined) {
      this.#fail(socket, error);
      return;
    }
    this.#ready = true;
    this.problem = undefined;
    for (const { onReady } of this.#users.values()) onReady();
  }

  #hear(bytes: Buffer): void {
    if (!this.#ready) return; // before connect() others are heard too
    if (++this.#heard === 1) this.#clock.after(SECOND, () => (this.#heard = 0));
    if (this.#heard > MOST_A_SECOND && !this.#narrow()) {
      this.#pause(SECOND, `more than ${MOST_A_SECOND} messages in a second`);
      return;
    }
    const channel = channelOf(bytes);
    if (channel !== undefined) this.#users.get(channel)?.onMessage(bytes);
  }

  /** Whoever floods in the peer's name cannot know our sessions, unless he hears what we send. @returns whether that is new */
  #narrow(): boolean {
    if (this.#narrowed !== undefined || !this.#filterBySession()) return false;
    this.#heard = 0;
    this.#narrowed = this.#clock.after(NARROW_FOR, () => {
      this.#narrowed = undefined;
      this.#filter(openFilter);
    });
    const { local, peer, port } = this.#path;
    const sentence = `More than ${MOST_A_SECOND} heartbeats in a second from ${peer} to ${local}, UDP port ${port}: only those that answer ours are heard - find their sender: tcpdump -n udp port ${port}`;
    if (!this.#saidLately("flood")) this.#log("warning", "vrrp.heartbeat-flood", sentence, { local, peer });
    return true;
  }

  #filterBySession(): boolean {
    const program = sessionFilter([...this.#sessions.values()]);
    return program !== undefined && this.#filter(program);
  }

  #filter(program: Uint8Array): boolean {
    const { local, peer, port } = this.#path;
    return setUdpSocketFilter(bytesOfIp(local), bytesOfIp(peer), port, program) === 0;
  }

  #fail(socket: Socket, error: Error): void {
    const name = errnoName(error);
    if (this.#socket !== socket || (this.#ready && name !== undefined && HARMLESS.has(name))) return;
    this.#pause(RETRY, name ?? error.message);
  }

  #pause(time: typeof RETRY, why: string): void {
    const { local, peer, port } = this.#path;
    const sentence = `No heartbeats between ${local} and ${peer}, UDP port ${port}: ${why}; trying again in ${time / 1000} s`;
    if (this.problem !== why && !this.#saidLately(why))
      this.#log("warning", "vrrp.heartbeat-failed", sentence, { local, peer });
    this.#end();
    this.problem = why;
    this.#retry = this.#clock.after(time, () => {
      if (!this.#closed) this.#begin();
    });
  }

  /** A flood goes on after each pause, and must not fill the log. */
  #saidLately(why: string): boolean {
    const now = this.#clock.now();
    if (now - (this.#said.get(why) ?? Number.NEGATIVE_INFINITY) < SAY_AGAIN) return true;
    this.#said.set(why, now);
    return false;
  }

  #end(): void {
    this.#retry?.[Symbol.dispose]();
    this.#narrowed?.[Symbol.dispose]();
    this.#narrowed = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    this.#ready = false;
    socket?.close();
  }
}

const ignore = (): void => undefined;
