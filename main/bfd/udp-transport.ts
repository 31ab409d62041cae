import { getSystemErrorName } from "node:util";
import { openUdpReader, openUdpSender, udpView } from "../../native-bindings/udp.js";
import { errnoName } from "../errors.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import { openFilter } from "./packet-filter.js";
import type { BfdReader, BfdSender, BfdTransport, ReaderPlace, SenderPlace } from "./ports.js";

/** RFC 5881 §4. */
const FIRST_PORT = 49_152;
const PORTS = 65_536 - FIRST_PORT;
/** So many taken ports in a row mean that something else is wrong. */
const MOST_TRIES = 64;
/** A control packet has 24 octets; what is longer is known by its length. */
const VIEW_BYTES = udpView.datagram + 64;
const RECEIVE_BUFFER_BYTES = 1 << 20;

/** Sockets of the kernel. */
export class UdpTransport implements BfdTransport {
  readonly #log: Log;
  readonly #random: () => number;

  constructor(log: Log, random: () => number = Math.random) {
    this.#log = log;
    this.#random = random;
  }

  openReader({ ipv6, port }: ReaderPlace, onDatagram: Parameters<BfdTransport["openReader"]>[1]): BfdReader {
    const view = Buffer.alloc(VIEW_BYTES);
    const arrival = {
      source: view.subarray(udpView.source, udpView.destination),
      destination: view.subarray(udpView.destination, udpView.datagram),
      bytes: view.subarray(udpView.datagram),
    };
    const reader = openUdpReader(
      { ipv6, port, receiveBufferBytes: RECEIVE_BUFFER_BYTES, view },
      {
        onDatagram: (length, ttl) => onDatagram(arrival, length, ttl),
        onError: (errno) => this.#say(`Receiving on UDP port ${port} failed: ${getSystemErrorName(-errno)}`),
      },
    );
    return {
      filter: (program) => {
        const errno = reader.filter(program);
        if (errno === 0) return;
        reader.filter(openFilter); // the one before would keep new sessions from being heard; net.core.optmem_max
        this.#say(`The kernel takes no filter for UDP port ${port}: ${getSystemErrorName(-errno)}`);
      },
      [Symbol.dispose]: () => reader.close(),
    };
  }

  openSender({ local, remote, port, ttl }: SenderPlace): BfdSender {
    const ends = { local: local === undefined ? new Uint8Array() : bytesOfIp(local), remote: bytesOfIp(remote) };
    for (let tries = 1; ; tries++) {
      const localPort = FIRST_PORT + Math.floor(this.#random() * PORTS);
      try {
        return openUdpSender({ ...ends, localPort, remotePort: port, ttl });
      } catch (error) {
        if (errnoName(error) !== "EADDRINUSE" || tries >= MOST_TRIES) throw error;
      }
    }
  }

  #say(sentence: string): void {
    this.#log("warning", "bfd.socket", `${sentence} - BFD sessions may go down`);
  }
}
