declare const unit: unique symbol;

/** A number that carries its unit in the type; erased at run time. */
export type Unit<Name extends string> = number & { readonly [unit]: Name };

/** May be fractional: keepalived's timers have microsecond steps. */
export type Milliseconds = Unit<"ms">;
/** VRRPv3's Max Adver Int on the wire (RFC 5798 §5.2.7). */
export type Centiseconds = Unit<"cs">;
export type Vrid = Unit<"vrid">;
export type Priority = Unit<"priority">;
export type Port = Unit<"port">;
/** Index of a check within one configuration epoch; its lasting name is `CheckSpec.identity`. */
export type CheckId = Unit<"check">;

export const ms = (n: number): Milliseconds => n as Milliseconds;
export const cs = (n: number): Centiseconds => n as Centiseconds;
export const csToMs = (v: Centiseconds): Milliseconds => ms(v * 10);
export const checkId = (n: number): CheckId => n as CheckId;

/** @throws RangeError when `n` is not an integer in 1..255 (RFC 5798 §5.2.3). */
export const vrid = (n: number): Vrid => bounded(n, 1, 255, "vrid");

/** @throws RangeError when `n` is not an integer in 0..255 (RFC 5798 §5.2.4). */
export const priority = (n: number): Priority => bounded(n, 0, 255, "priority");

/** @throws RangeError when `n` is not an integer in 0..65535. */
export const port = (n: number): Port => bounded(n, 0, 65535, "port");

function bounded<N extends string>(n: number, lo: number, hi: number, what: N): Unit<N> {
  const fits = Number.isInteger(n) && n >= lo && n <= hi;
  if (!fits) throw new RangeError(`${what} must be an integer in ${lo}..${hi}, got ${n}`);
  return n as Unit<N>;
}
