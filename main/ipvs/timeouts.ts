/** When the kernel forgets connections (ipvsadm(8), --set). Seconds; in requests 0 leaves a value as it is. */
export interface Timeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

export const timeoutKinds = ["tcp", "tcpFin", "udp"] as const;

/** Undefined or 0: what the kernel had before us. */
export type WantedTimeouts = { readonly [Kind in keyof Timeouts]: number | undefined };

export const wantsTimeouts = (wanted: WantedTimeouts): boolean => timeoutKinds.some((kind) => (wanted[kind] ?? 0) > 0);

/** What the kernel is to have: what the file says, and for the rest what was there before us. */
export const timeoutsFor = (wanted: WantedTimeouts, originals: Timeouts): Timeouts => ({
  tcp: wanted.tcp || originals.tcp,
  tcpFin: wanted.tcpFin || originals.tcpFin,
  udp: wanted.udp || originals.udp,
});

export const sameTimeouts = (a: Timeouts, b: Timeouts): boolean => timeoutKinds.every((kind) => a[kind] === b[kind]);
