import type { Device, Ipv6AdvertReader, Ipv6AdvertSender } from "../../native-bindings/ipv6-adverts.js";
import { openIpv6AdvertReader, openIpv6AdvertSender } from "../../native-bindings/ipv6-adverts.js";
import type { IpAddress } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import { applyFilter, reportUnfiltered, type Wanted } from "./endpoint-filter.js";
import { sourceOf } from "./ip-header.js";
import { type AdvertEndpoint, type AdvertSocket, RECEIVE_QUEUE_BYTES } from "./ports.js";
import { errnoText } from "./system-error.js";

/** Adverts over IPv6: sockets of our own, because raw-socket knows neither hop limit nor destination of what comes in. */

/** @throws system error */
export function openIpv6(
  endpoint: AdvertEndpoint,
  onPacket: (packet: Buffer, source: IpAddress, age: number) => void,
  wanted: Wanted,
  log: Log,
): AdvertSocket {
  const { link, address } = endpoint;
  const device: Device = { name: link?.name ?? "", index: link?.index ?? 0 };
  const where = link === undefined ? address : `${address} on ${link.name}`;
  const sender = openIpv6AdvertSender(device);
  try {
    const reader = openIpv6AdvertReader(device, bytesOfIp(address), RECEIVE_QUEUE_BYTES, {
      onPacket: (packet, age) => onPacket(packet, sourceOf(packet), age),
      onError: (errno) => {
        const sentence = `Receiving adverts for ${where} failed: ${errnoText(errno)}`;
        log("warning", "vrrp.receive-failed", sentence, { errno });
      },
    });
    const socket = new Ipv6AdvertSocket(sender, reader, endpoint, log);
    socket.filter(wanted);
    return socket;
  } catch (error) {
    sender.close();
    throw error;
  }
}

class Ipv6AdvertSocket implements AdvertSocket {
  readonly #sender: Ipv6AdvertSender;
  readonly #reader: Ipv6AdvertReader;
  readonly #endpoint: AdvertEndpoint;
  readonly #log: Log;

  constructor(sender: Ipv6AdvertSender, reader: Ipv6AdvertReader, endpoint: AdvertEndpoint, log: Log) {
    this.#sender = sender;
    this.#reader = reader;
    this.#endpoint = endpoint;
    this.#log = log;
  }

  send(packet: Uint8Array): number {
    return this.#sender.send(packet);
  }

  filter(wanted: Wanted): void {
    const errno = applyFilter(this.#endpoint, wanted, (program) => this.#reader.filter(program));
    if (errno !== 0) reportUnfiltered(this.#endpoint, errno, this.#log);
  }

  receiveBuffer(bytes: number): void {
    this.#reader.receiveBuffer(bytes);
  }

  [Symbol.dispose](): void {
    this.#sender.close();
    this.#reader.close();
  }
}
