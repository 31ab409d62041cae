import type { BuffersConfig } from "../config/model-global.js";

/** vrrp_rx_bufs_policy, vrrp_rx_bufs_multiplier and kernel_rx_buf_size: how much the kernel may keep for a socket for adverts. */

export type BufferPolicy = Pick<BuffersConfig, "vrrpReceive" | "vrrpReceiveMultiplier">;

/** What an instance needs. */
export interface Footprint {
  /** kernel_rx_buf_size */
  readonly own: number | undefined;
  /** Of the interface; undefined: there is none. */
  readonly mtu: number | undefined;
  /** Octets of its advert, IP header included. */
  readonly advert: number;
}

/** More than the kernel takes: it doubles the number, in an int. */
const MOST = 0x3fff_ffff;
const ETHERNET_MTU = 1500;

/** What one of those that share a socket adds to its buffer. */
export const neededBytes = (one: Footprint, policy: BufferPolicy): number => one.own ?? byPolicy(one, policy) ?? 0;

/** @param sum of what all of them need @returns undefined: nothing was said, our own default */
export const receiveBytes = (sum: number): number | undefined => (sum === 0 ? undefined : Math.min(sum, MOST));

function byPolicy(
  { mtu, advert }: Footprint,
  { vrrpReceive, vrrpReceiveMultiplier }: BufferPolicy,
): number | undefined {
  switch (vrrpReceive) {
    case "system":
      return undefined;
    case "MTU":
      return (mtu ?? ETHERNET_MTU) * vrrpReceiveMultiplier;
    case "ADVERT":
      return advert * vrrpReceiveMultiplier;
    default:
      return vrrpReceive;
  }
}
