/** keepalived's (keepalived(8)). The launcher takes 1, 2 and 4 as permanent, other failures as crashes. */
export const exitCodes = { ok: 0, fatal: 1, permission: 4, noConfig: 6, programError: 70 } as const;
