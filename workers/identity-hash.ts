/**
 * 32 bits of a check's identity, equal on every host and in every run: start phases and shards follow from it, not from
 * chance. FNV-1a over UTF-16 code units, then murmur3's finalizer, because FNV's high bits barely move in short texts.
 */
export function identityHash(identity: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < identity.length; i++) {
    h = Math.imul(h ^ identity.charCodeAt(i), 0x01000193);
  }
  return mix32(h);
}

/** murmur3's finalizer: every bit of the result depends on every bit of `h`. */
export function mix32(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The hash as a fraction in [0, 1). */
export const identityFraction = (identity: string): number => identityHash(identity) / 2 ** 32;
