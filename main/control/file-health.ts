/** What a tracked file's number means for a real server. VRRP has limits of its own (main/vrrp/track-file.ts). */
export interface FileHealth {
  readonly up: boolean;
  /** What is added to the weight. */
  readonly delta: number;
}

/** As keepalived: what is not above the smallest int is a failure. */
const FAILURE_FROM = -0x8000_0000;

/** keepalived.conf(5), FILE_CHECK. Weight 0: any number but 0 is a failure. Else the number times the weight is added. */
export function fileHealth(value: number, weight: number, reverse: boolean): FileHealth {
  if (weight === 0) return { up: (value !== 0) === reverse, delta: 0 };
  const delta = value === 0 ? 0 : value * weight * (reverse ? -1 : 1);
  return delta <= FAILURE_FROM ? { up: false, delta: 0 } : { up: true, delta };
}
