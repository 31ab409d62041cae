import type { IpAddress } from "../address.js";
import { unreachable } from "../unreachable.js";
import type { InterfaceAddress, Link, LinkDetails, LinkShape, NetworkChange } from "../vrrp/ports.js";
import { IFA_F_DADFAILED, IFA_F_TENTATIVE, type LinkMessage, type RouteMessage } from "./rtnetlink.js";

/** linux/if.h */
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;
const IFF_MULTICAST = 0x1000;

/** Links and addresses as the kernel last told them. Knows no socket: it takes messages and returns what they changed. */
export class NetworkTable {
  readonly #links = new Map<number, Link>();
  readonly #indexByName = new Map<string, number>();
  /** By interface index, then by `address/prefix`: IPv4 may have one address with two prefix lengths. */
  readonly #addresses = new Map<number, Map<string, InterfaceAddress>>();

  copy(): NetworkTable {
    const twin = new NetworkTable();
    for (const [index, link] of this.#links) twin.#links.set(index, link);
    for (const [name, index] of this.#indexByName) twin.#indexByName.set(name, index);
    for (const [index, onOne] of this.#addresses) twin.#addresses.set(index, new Map(onOne));
    return twin;
  }

  link(name: string): Link | undefined {
    const index = this.#indexByName.get(name);
    return index === undefined ? undefined : this.#links.get(index);
  }

  linkAt(index: number): Link | undefined {
    return this.#links.get(index);
  }

  links(): readonly Link[] {
    return [...this.#links.values()];
  }

  addresses(interfaceIndex: number): readonly InterfaceAddress[] {
    return [...(this.#addresses.get(interfaceIndex)?.values() ?? [])];
  }

  allAddresses(): readonly InterfaceAddress[] {
    return [...this.#addresses.values()].flatMap((onOne) => [...onOne.values()]);
  }

  hasAddress(address: IpAddress): boolean {
    for (const onOne of this.#addresses.values())
      for (const one of onOne.values()) if (one.address === address && !one.tentative) return true;
    return false;
  }

  find(address: InterfaceAddress): InterfaceAddress | undefined {
    return this.#addresses.get(address.interfaceIndex)?.get(keyOf(address));
  }

  /** @returns the changes, in the order in which they happened; empty when the message says nothing new */
  apply(message: RouteMessage): NetworkChange[] {
    switch (message.kind) {
      case "link":
        return this.#setLink(message.link);
      case "link-gone":
        return this.#dropLink(message.index);
      case "address": {
        const { interfaceIndex, address, prefix, flags } = message.address;
        const tentative = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) !== 0;
        return this.#setAddress({ interfaceIndex, address, prefix, tentative });
      }
      case "address-gone":
        return this.#dropAddress(message.address);
      default:
        return unreachable(message);
    }
  }

  #setAddress(address: InterfaceAddress): NetworkChange[] {
    if (this.find(address)?.tentative === address.tentative) return [];
    let onOne = this.#addresses.get(address.interfaceIndex);
    if (onOne === undefined) this.#addresses.set(address.interfaceIndex, (onOne = new Map()));
    onOne.set(keyOf(address), address);
    return [{ kind: "address", address }];
  }

  #dropAddress(key: Pick<InterfaceAddress, "interfaceIndex" | "address" | "prefix">): NetworkChange[] {
    const onOne = this.#addresses.get(key.interfaceIndex);
    const address = onOne?.get(keyOf(key));
    if (onOne === undefined || address === undefined) return [];
    onOne.delete(keyOf(key));
    if (onOne.size === 0) this.#addresses.delete(key.interfaceIndex);
    return [{ kind: "address-gone", address }];
  }

  /** A link under a new name is told as the old one gone and the new one there: instances know links by name. */
  #setLink(message: LinkMessage): NetworkChange[] {
    const before = this.#links.get(message.index);
    const link = merge(before, message);
    if (link === undefined) return [];
    if (before !== undefined && sameLink(before, link)) {
      this.#links.set(link.index, link);
      return [];
    }
    const renamed = before !== undefined && before.name !== link.name;
    if (renamed) this.#forgetName(before);
    this.#links.set(link.index, link);
    this.#indexByName.set(link.name, link.index);
    const gone: NetworkChange[] = renamed ? [{ kind: "link-gone", index: before.index, name: before.name }] : [];
    return [...gone, { kind: "link", link }];
  }

  #dropLink(index: number): NetworkChange[] {
    const link = this.#links.get(index);
    if (link === undefined) return [];
    const lost = this.addresses(index).flatMap((address) => this.#dropAddress(address));
    this.#links.delete(index);
    this.#forgetName(link);
    return [...lost, { kind: "link-gone", index, name: link.name }];
  }

  /** The name may already belong to another link (renamed before this one was told to be gone). */
  #forgetName(link: Link): void {
    if (this.#indexByName.get(link.name) === link.index) this.#indexByName.delete(link.name);
  }
}

/** What turns `before` into `after`: first what is gone (addresses before their link), then what is there. */
export function differences(before: NetworkTable, after: NetworkTable): NetworkChange[] {
  const changes: NetworkChange[] = [];
  for (const address of before.allAddresses())
    if (after.find(address) === undefined) changes.push({ kind: "address-gone", address });
  for (const { index, name } of before.links())
    if (after.linkAt(index)?.name !== name) changes.push({ kind: "link-gone", index, name });
  for (const link of after.links()) {
    const known = before.linkAt(link.index);
    if (known === undefined || !sameLink(known, link)) changes.push({ kind: "link", link });
  }
  for (const address of after.allAddresses())
    if (before.find(address)?.tentative !== address.tentative) changes.push({ kind: "address", address });
  return changes;
}

function merge(before: Link | undefined, message: LinkMessage): Link | undefined {
  const name = message.name ?? before?.name;
  if (name === undefined) return undefined;
  const { index, flags } = message;
  return {
    index,
    name,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    noArp: (flags & IFF_NOARP) !== 0,
    multicast: (flags & IFF_MULTICAST) !== 0,
    mtu: message.mtu ?? before?.mtu ?? 0,
    mac: significant(message.mac) ?? before?.mac ?? new Uint8Array(),
    details: message.details ?? before?.details,
    ...(message.shape === undefined ? {} : { shape: { flags, ...shapeOf(message.shape, before) } }),
  };
}

const shapeOf = (
  { hardware, broadcast }: NonNullable<LinkMessage["shape"]>,
  before: Link | undefined,
): Omit<LinkShape, "flags"> => ({
  hardware,
  broadcast: broadcast ?? before?.shape?.broadcast ?? new Uint8Array(),
});

/** Loopback and tunnels have an all-zero hardware address, or one of 4 octets: nothing that a frame could carry. */
function significant(mac: Uint8Array | undefined): Uint8Array | undefined {
  if (mac === undefined) return undefined;
  return mac.length >= 6 && mac.some((octet) => octet !== 0) ? mac : new Uint8Array();
}

function sameLink(a: Link, b: Link): boolean {
  return (
    a.name === b.name &&
    a.running === b.running &&
    a.noArp === b.noArp &&
    a.multicast === b.multicast &&
    a.mtu === b.mtu &&
    Buffer.compare(a.mac, b.mac) === 0 &&
    sameDetails(a.details, b.details)
  );
}

const sameDetails = (a: LinkDetails | undefined, b: LinkDetails | undefined): boolean =>
  a?.kind === b?.kind &&
  a?.lower === b?.lower &&
  a?.master === b?.master &&
  a?.group === b?.group &&
  a?.mode === b?.mode &&
  a?.table === b?.table;

const keyOf = (key: Pick<InterfaceAddress, "address" | "prefix">): string => `${key.address}/${key.prefix}`;
