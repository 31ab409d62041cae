import type { BufferConfig } from "../config/model-global.js";

/** More than the kernel takes: it doubles the number, in an int. */
const MOST = 0x3fff_ffff;

/**
 * The receive buffer of a netlink socket that does the work of several sockets of keepalived. Undefined: nothing was said. What is
 * asked for may exceed net.core.rmem_max, with `_force` or without: a size that is cut in silence helps nobody.
 */
export function netlinkBufferBytes(...configs: readonly BufferConfig[]): number | undefined {
  const sizes = configs.flatMap(({ size }) => size ?? []);
  return sizes.length === 0 ? undefined : Math.min(MOST, Math.max(...sizes));
}
