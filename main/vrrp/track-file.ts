/** The pure half of track_file: what a file's text means, and what its number does to an instance. */

/** The first integer of the text as strtol(3) reads it: decimal, 0x or octal. No file and no number are 0. */
export function trackNumber(text: string | undefined): number {
  const [, sign, hex, octal, decimal] =
    /^\s*([-+]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))/.exec(text ?? "") ?? [];
  const digits = hex ?? octal ?? decimal ?? "0";
  const size = Number.parseInt(digits, hex !== undefined ? 16 : octal !== undefined ? 8 : 10);
  return sign === "-" && size !== 0 ? -size : size;
}

export interface FileEffect {
  readonly fault: boolean;
  readonly delta: number;
}

/** -254 and less is a fault; more than 253 is 253. keepalived's limits. */
const FAULT_FROM = -254;
const MOST = 253;

/** Weight 0: any number but 0 is a fault. Else the number times the weight is the change of priority. */
export function fileEffect(value: number, weight: number, reverse: boolean): FileEffect {
  if (weight === 0) return { fault: (value !== 0) !== reverse, delta: 0 };
  const delta = value === 0 ? 0 : value * weight * (reverse ? -1 : 1);
  if (delta <= FAULT_FROM) return { fault: true, delta: 0 };
  return { fault: false, delta: Math.min(MOST, delta) };
}
