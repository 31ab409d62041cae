import { familyOf } from "../address.js";
import { bytesOfIp } from "../ip-bytes.js";
import type { Log } from "../observe/log.js";
import { type FilterSpec, packetFilter } from "./packet-filter.js";
import type { AdvertEndpoint } from "./ports.js";
import { errnoText } from "./system-error.js";

/** What changes of a filter while its socket is open. */
export type Wanted = Pick<FilterSpec, "routers" | "flooded" | "senders" | "unknown">;

/**
 * Gives the socket that listens at an endpoint its filter. The one for floods may be longer than net.core.optmem_max allows.
 * @param set hands a program to the kernel @returns 0 or a positive errno, as `set` does
 */
export function applyFilter(endpoint: AdvertEndpoint, wanted: Wanted, set: (program: Uint8Array) => number): number {
  const spec = filterSpec(endpoint, wanted);
  const errno = set(packetFilter(spec));
  if (errno === 0 || !wanted.flooded) return errno;
  // By version and TTL only: that is short.
  const routers = wanted.routers.map(({ vrid, version }) => ({ vrid, version }));
  return set(packetFilter({ ...spec, routers })) === 0 ? 0 : set(packetFilter({ ...spec, flooded: false }));
}

function filterSpec({ kind, address, ah }: AdvertEndpoint, wanted: Wanted): FilterSpec {
  const family = familyOf(address);
  return { ...wanted, family, ah: ah === true, destination: bytesOfIp(address), multicast: kind === "multicast" };
}

/** Everything works without it, only slower when somebody floods us. */
export function reportUnfiltered({ address, link }: AdvertEndpoint, errno: number, log: Log): void {
  const where = link === undefined ? address : `${address} on ${link.name}`;
  const sentence = `The kernel takes no packet filter for adverts to ${where} (${errnoText(errno)}): a flood of foreign VRRP packets will cost processor time`;
  log("warning", "vrrp.filter-failed", sentence, { errno });
}
